import Glibc
import Linux
import WorkerProtocol
import Synchronization
import Testing
import Wire

@testable import Worker

/// Removal of listeners by a reload, in one of two loops: the test takes the part of the other one.
@Suite struct `Removed listeners` {
  @Test func `queued connections are accepted, and the last loop completes the reload`() throws {
    var testLoop = try TestLoop.make()
    let count = 3 * Loop.acceptsPerTurn / 2
    let waiting = try (0..<count).map { _ in Descriptor.Owner(try Socket.connect(to: testLoop.endpoint)) }
    let reports = Atomic<Int>(0)
    let other = try Mailbox()
    let rollout = try withdrawal(&testLoop) { reports.add(1, ordering: .relaxed) }
    rollout.post(to: testLoop.loop.mailbox)
    rollout.post(to: other)
    rollout.done()
    testLoop.loop.readMail()
    #expect(testLoop.loop.clients.count == waiting.count)
    #expect(testLoop.loop.accepting.listeners.count == 0)
    #expect(reports.load(ordering: .relaxed) == 0)
    rollout.done()
    #expect(reports.load(ordering: .relaxed) == 1)
  }

  @Test func `a listener that another process still holds does not wake the loop`() throws {
    var testLoop = try TestLoop.make()
    let supervisors = Descriptor.Owner(
      try testLoop.loop.accepting.listeners[testLoop.loop.accepting.listeners.keys[0]].descriptor.duplicate())
    let rollout = try withdrawal(&testLoop) {}
    testLoop.loop.adopt(rollout)
    let late = Descriptor.Owner(try Socket.connect(to: testLoop.endpoint))
    #expect(testLoop.loop.context.poller.wait(milliseconds: 20) == 0)
    Socket.stopListening(supervisors.descriptor)
    #expect(testLoop.loop.context.poller.wait(milliseconds: 20) == 0)
    #expect(Socket.error(of: late.descriptor.number) == ECONNRESET)
  }

  private func withdrawal(_ testLoop: inout TestLoop, whenDone: @escaping @Sendable () -> Void) throws
    -> SnapshotRollout
  {
    SnapshotRollout(
      try testLoop.snapshot(of: [0]), listeners: [],
      withdrawn: [ListenerIdentity(purpose: .service, endpoint: testLoop.endpoint, loop: 0)], loops: 2,
      whenDone: whenDone)
  }
}
