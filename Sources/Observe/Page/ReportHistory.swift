import Control
import Domain
import Wire

/// The last hour of some figures, for the plots of the page: one value each 30 s, nil where there was no report.
///
/// Memory is bounded: 120 values of three figures, and of each server in the last report.
struct ReportHistory {
  static let step = Interval.seconds(30)
  static let limit = 120

  /// The JSON of the event `past`; each list ends with the latest value.
  private struct Values: Encodable {
    var sessions: [UInt64?] = []
    var connections: [UInt64?] = []
    var requests: [Double?] = []
    var servers: [String: [UInt64?]] = [:]
  }

  private var values = Values()
  /// The number of the last value's step.
  private var last: UInt64?

  var json: String { JSONText.write(values) }

  /// Returns whether it has added values: those of the first report of each step.
  mutating func note(_ report: StatusReport, at now: Instant) -> Bool {
    let number = now.nanoseconds / Self.step.nanoseconds
    guard last.map({ number > $0 }) ?? true else { return false }
    // Steps without a report.
    let missed = last.map { Int(clamping: number - $0 - 1) } ?? 0
    last = number
    let gap = min(missed, Self.limit)
    let sessions = report.servers.map { $0.load?.sessions ?? 0 }.reduce(0) { $0 &+ $1 }
    Self.append(sessions, to: &values.sessions, after: gap)
    Self.append(report.traffic.connections, to: &values.connections, after: gap)
    Self.append(report.traffic.rates?.requests, to: &values.requests, after: gap)
    var servers: [String: [UInt64?]] = [:]
    for server in report.servers {
      var list = servers[server.name] ?? values.servers[server.name] ?? []
      // A removed server may have the name of a new one, which comes first.
      if servers[server.name] == nil { Self.append(server.load?.sessions, to: &list, after: gap) }
      servers[server.name] = list
    }
    values.servers = servers
    return true
  }

  private static func append<Value>(_ value: Value?, to list: inout [Value?], after gap: Int) {
    list += Array(repeating: nil, count: gap) + [value]
    if list.count > limit { list.removeFirst(list.count - limit) }
  }
}
