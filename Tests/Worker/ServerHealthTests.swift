import Balancing
import Domain
import Linux
import Logging
import Testing
import Wire
import WorkerProtocol

@testable import Worker

@Suite struct `The last check of a server` {
  private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func note(_ result: CheckResult, _ health: inout ServerHealth, at now: Instant) -> Bool? {
    _ = health.record(result, nil, began: now, at: now, random: 1)
    health.publish(result, status: nil, took: .zero)
    return health.shared.checks.last?.isConfirming
  }

  @Test func `confirms a state once there was a result`() throws {
    let testLoop = try TestLoop.make()
    var health = ServerHealth(0, testLoop.loop.context.snapshot.services[0], at: testLoop.now)
    #expect(note(.inconclusive, &health, at: testLoop.now) == false)
    #expect(note(.passed, &health, at: testLoop.now) == true)
    #expect(note(.inconclusive, &health, at: testLoop.now) == true)
    #expect(note(.failed(.refused), &health, at: testLoop.now) == false)
  }

  @Test func `confirms nothing after a reload that changes how the server is checked`() throws {
    for isChanged in [false, true] {
      var testLoop = try TestLoop.make(settings: "health: { fall: 2 }")
      let pair = try MessageSocket.Pair()
      let ours = MessageSocket(owning: try pair.theirs.descriptor.duplicate())
      let channel = try ControlChannel(owning: pair.takeOurs().descriptor.duplicate())
      let now = testLoop.now
      var prober = try Prober(testLoop.loop.context.snapshot, channel: channel, log: silent, at: now)
      var health = ServerHealth(0, testLoop.loop.context.snapshot.services[0], at: now)
      #expect(note(.passed, &health, at: now) == true)
      try testLoop.reload(servers: [0], settings: "health: { fall: \(isChanged ? 3 : 2) }", serverSettings: "")
      prober.adopt(testLoop.loop.context.snapshot, &testLoop.loop.context)
      #expect(health.shared.checks.last?.isConfirming == !isChanged)
      guard isChanged else { continue }
      guard case .message(let message) = try ours.receive(limit: MessageLimit.message),
        case .serverCheck(let check, let identity) = try WorkerEvent(decoding: message.bytes.span)
      else {
        Issue.record("the supervisor is not told")
        continue
      }
      #expect(!check.isConfirming && identity.name == "view01")
    }
  }
}
