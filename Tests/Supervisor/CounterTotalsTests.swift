import Control
import Domain
import Testing
import Wire
import WorkerProtocol

@testable import Supervisor

private let now = Instant(nanoseconds: 0)
private let time = WallTime(milliseconds: 1000)

private func place(_ name: String) -> ServerIdentity {
  ServerIdentity(name: name, endpoint: Endpoint(address: IPAddress(v4: 0xc0a8_01a5), port: 443))
}

private func description(_ servers: [String], _ services: [String] = [""]) -> ServiceDescription {
  var description = ServiceDescription()
  description.servers = servers.map { StatusReport.Server(place($0)) }
  description.services = services.map { .init(name: $0, mode: "http", names: [], listeners: []) }
  return description
}

private func report(of status: ServiceStatus) -> StatusReport {
  var report = StatusReport(time: time, since: time, configuration: .init(number: 1, since: time, threads: 1))
  status.fill(&report)
  return report
}

extension ServiceStatus {
  fileprivate mutating func note(_ requests: UInt64, of server: String) {
    note(.serverCounts(ServerCounts(values: [requests]), of: place(server)), at: now, time)
  }

  /// By server; nil for one without counters.
  fileprivate var requests: [UInt64?] { report(of: self).servers.map { $0.counts?.traffic.requests } }
}

@Suite struct `Counters over all workers` {
  @Test func `a new worker goes on from what the one before it reported last`() {
    var status = ServiceStatus(description(["view01", "view02"]))
    #expect(status.requests == [nil, nil])
    status.note(5, of: "view01")
    status.note(7, of: "view01")
    status.workerEnded()
    #expect(status.requests == [7, nil])
    status.note(0, of: "view01")
    status.note(2, of: "view02")
    #expect(status.requests == [7, 2])
    status.note(4, of: "view01")
    status.workerEnded()
    status.note(1, of: "view01")
    #expect(status.requests == [12, 2])
  }

  @Test func `so do the counters of services, loops and everything else`() {
    var status = ServiceStatus(description(["view01"]))
    for round in 1...2 as ClosedRange<UInt64> {
      status.workerStarted()
      status.note(
        .load(Load(connections: 1, exchanges: 1, requests: 3, accepted: 4, refused: .init(connections: 5))), at: now,
        time)
      status.note(
        .serviceFigures(ServiceFigures(connections: 6, clients: 7, counts: ServiceCounts(values: [8])), service: ""),
        at: now, time)
      status.note(.workerCounts(WorkerCounts(values: [9])), at: now, time)
      status.note(.loopCounts(LoopCounts(values: [10, 1]), loop: 1), at: now, time)
      let shown = report(of: status)
      #expect(shown.traffic.requests == 3 * round && shown.traffic.accepted == 4 * round)
      #expect(shown.traffic.refused == RefusedCounts(connections: 5 * round))
      #expect(shown.counters.services.map(\.counts.traffic.requests) == [8 * round])
      #expect(shown.counters.services.map(\.connections) == [6] && shown.counters.services.map(\.clients) == [7])
      #expect(shown.counters.handshakes.full == 9 * round)
      #expect(shown.counters.loops == [LoopCounts(), LoopCounts(values: [10 * round, round])])
      #expect(shown.counters.workers == round)
      status.workerEnded()
      let without = report(of: status)
      #expect(without.counters.services.map(\.connections) == [0])
      #expect(without.traffic.requests == 3 * round)
    }
  }

  @Test func `a counter that a worker reports as smaller than before keeps its value, and sums saturate`() {
    var status = ServiceStatus(description(["view01"]))
    status.note(9, of: "view01")
    status.note(3, of: "view01")
    #expect(status.requests == [9])
    for _ in 0..<3 {
      status.note(.max, of: "view01")
      status.workerEnded()
    }
    status.note(1, of: "view01")
    #expect(status.requests == [.max])
  }

  @Test func `counters of a removed server or service are forgotten, and those of another one begin at zero`() {
    var status = ServiceStatus(description(["view01", "view02"], ["view", "cards"]))
    for name in ["view01", "view02"] { status.note(5, of: name) }
    for name in ["view", "cards"] {
      status.note(
        .serviceFigures(ServiceFigures(counts: ServiceCounts(values: [8])), service: name), at: now, time)
    }
    let next = description(["view02", "view03"], ["cards", "new"])
    status.expect(next)
    status.note(1, of: "view03")
    status.adopt(next)
    status.note(6, of: "view01")
    #expect(status.requests == [5, 1])
    #expect(report(of: status).counters.services.map(\.name) == ["cards", "new"])
    #expect(report(of: status).counters.services.map(\.counts.traffic.requests) == [8, 0])
    status.adopt(description(["view01"], ["view"]))
    #expect(status.requests == [nil])
    #expect(report(of: status).counters.services.map(\.counts.traffic.requests) == [0])
  }

  @Test func `a server, service or loop that there can not be is ignored`() {
    var status = ServiceStatus(description(["view01"]))
    let size = status.size
    for number in 0..<1000 as Range<UInt16> {
      status.note(5, of: "unknown\(number)")
      status.note(.serviceFigures(ServiceFigures(), service: "unknown\(number)"), at: now, time)
      status.note(.loopCounts(LoopCounts(values: [1]), loop: 256 + number), at: now, time)
    }
    #expect(status.size == size)
    #expect(report(of: status).counters.loops.isEmpty)
  }
}
