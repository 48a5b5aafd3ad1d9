import Control
import Domain
import Pair
import WorkerProtocol
import Supervisor
import Wire

/// Properties of any bytes from a worker: the supervisor does not trap, its memory stays bounded, no more events are
/// accepted than the budget allows, and the status shown to operators is decodable and without control characters.
///
/// The input is a sequence of events: a byte for the time before the event, two for the length, the message.
package enum WorkerEventProperties {
  private static let names = ["view01", "view02", "view03"]

  package static func check(_ bytes: [UInt8]) throws(Violation) {
    var now = Instant(nanoseconds: 1_000_000_000_000)
    let start = now
    var description = ServiceDescription()
    let endpoint = Endpoint(address: IPAddress(v4: 0xc000_0201), port: 443)
    description.servers = names.map { StatusReport.Server(ServerIdentity(name: $0, endpoint: endpoint)) }
    var status = ServiceStatus(description)
    var peers = PeerNodes(["lb2"], at: now, .last)
    var budget = EventBudget(servers: names.count, at: now)
    var taken: UInt64 = 0
    var rest = bytes[...]
    while let pause = rest.popFirst(), let high = rest.popFirst(), let low = rest.popFirst() {
      // From zero to some minutes.
      now = now + Interval(nanoseconds: (1 << UInt64(pause % 38)) - 1)
      let message = Array(rest.prefix(Int(high) << 8 | Int(low)))
      rest = rest.dropFirst(message.count)
      guard let event = try? WorkerEvent(decoding: message.span) else { continue }
      guard budget.spend(at: now) else { continue }
      taken += 1
      let time = WallTime(milliseconds: now.nanoseconds / 1_000_000)
      status.note(event, at: now, time)
      switch event {
      case .nodeFacts(let piece, let node): try? peers.take(facts: piece, of: node)
      case .nodeVitals(let bytes, let node): try? peers.take(vitals: bytes, of: node, at: now, time)
      case .traced(let event, _):
        let lines = TraceLine(event).text + TraceLine(event).json
        try require(!lines.unicodeScalars.contains(where: \.isControl), "control characters in a trace: \(event)")
      default: break
      }
      try require(peers.nodes.map(\.name) == ["lb2"], "nodes that the configuration does not have")
      try require(status.size <= status.sizeLimit, "\(status.size) things are remembered after \(event)")
    }
    let seconds = (now - start).milliseconds / 1000 + 1
    try require(taken <= budget.most + seconds * budget.rate, "\(taken) events were taken in \(seconds) s")
    try checkReport(of: status, at: now)
  }

  private static func checkReport(of status: ServiceStatus, at now: Instant) throws(Violation) {
    let moment = WallTime(milliseconds: now.nanoseconds / 1_000_000)
    var report = StatusReport(time: moment, since: moment, configuration: .init(number: 1, since: moment, threads: 1))
    status.fill(&report)
    let line = Array(ControlAnswer.status(report).line.utf8)
    try require(line.count <= ControlAnswer.byteLimit, "an answer of \(line.count) bytes")
    guard case .status(let read)? = try? ControlAnswer(parsing: line) else {
      throw Violation("an answer that does not read")
    }
    let page = StatusText(read, isColoured: false).text
    let isPlain = page.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
    try require(isPlain, "a page with control characters: \(page)")
    try require(status.line.utf8.count < 4096, "a line of \(status.line.utf8.count) bytes")
  }
}
