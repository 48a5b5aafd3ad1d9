import Domain
import Testing
import Wire
import WorkerProtocol

@testable import Worker

@Suite struct `Events pending for the supervisor` {
  private func place(_ number: Int) -> ServerIdentity {
    ServerIdentity(name: "view\(number)", endpoint: Endpoint(address: IPAddress(v4: 0xc000_0201), port: 443))
  }

  private func load(_ sessions: UInt64, of number: Int) -> WorkerEvent {
    .serverLoad(ServerLoad(clients: 0, sessions: sessions, exchanges: 0, waiting: 0, connections: 0), of: place(number))
  }

  private func drained(_ pending: PendingEvents) -> [WorkerEvent] {
    var pending = pending
    var events: [WorkerEvent] = []
    while let event = pending.first {
      events.append(event)
      pending.removeFirst()
    }
    return events
  }

  @Test func `are sent in order, and a newer event about the same subject replaces an older one`() {
    var pending = PendingEvents()
    pending.append(load(1, of: 1))
    pending.append(.applied(number: 1))
    pending.append(load(2, of: 2))
    pending.append(.applied(number: 1))
    pending.append(load(3, of: 1))
    #expect(drained(pending) == [.applied(number: 1), load(2, of: 2), .applied(number: 1), load(3, of: 1)])
    #expect(!pending.isEmpty)
  }

  @Test func `counters of the same server, service or loop are sent once, with their latest values`() {
    func counts(_ requests: UInt64) -> [WorkerEvent] {
      [
        .serverCounts(ServerCounts(values: [requests]), of: place(1)),
        .serviceFigures(ServiceFigures(counts: ServiceCounts(values: [requests])), service: "view"),
        .workerCounts(WorkerCounts(values: [requests])), .loopCounts(LoopCounts(values: [requests]), loop: 1),
      ]
    }
    var pending = PendingEvents()
    for event in [.loopCounts(LoopCounts(), loop: 0), .serverCounts(ServerCounts(), of: place(2))] + counts(1)
      + counts(2)
    {
      pending.append(event)
    }
    #expect(
      drained(pending)
        == [.loopCounts(LoopCounts(), loop: 0), .serverCounts(ServerCounts(), of: place(2))] + counts(2))
  }

  @Test func `are bounded by the number of subjects, however often they change`() {
    var pending = PendingEvents()
    // This one is never replaced, and stays first until it is read.
    pending.append(.applied(number: 1))
    for round in 0..<20 as Range<UInt64> {
      for number in 0..<1024 { pending.append(load(round, of: number)) }
      // The supervisor reads some.
      if round > 10, round % 3 == 0 { for _ in 0..<100 { pending.removeFirst() } }
    }
    #expect(pending.capacity < 4096)
    let left = drained(pending)
    #expect(left.count <= 1024 && Set(left.map { "\($0)" }).count == left.count)
  }
}
