import Domain
import Wire

/// The past of some figures, for plots: one value each step, nil where there was no report.
///
/// Memory is bounded: 120 values of three figures, and of each server in the last report.
package struct ReportHistory {
  /// The most values of a figure.
  package static let limit = 120

  /// The values of each figure; each list ends with the latest one.
  package struct Values: Encodable {
    package private(set) var sessions: [UInt64?] = []
    package private(set) var connections: [UInt64?] = []
    package private(set) var requests: [Double?] = []
    package private(set) var servers: [String: [UInt64?]] = [:]

    fileprivate mutating func append(_ report: StatusReport, after gap: Int) {
      let total = report.servers.map { $0.load?.sessions ?? 0 }.reduce(0) { $0 &+ $1 }
      Self.append(total, to: &sessions, after: gap)
      Self.append(report.traffic.connections, to: &connections, after: gap)
      Self.append(report.traffic.rates?.requests, to: &requests, after: gap)
      var lists: [String: [UInt64?]] = [:]
      for server in report.servers {
        var list = lists[server.name] ?? servers[server.name] ?? []
        // A removed server may have the name of a new one, which comes first.
        if lists[server.name] == nil { Self.append(server.load?.sessions, to: &list, after: gap) }
        lists[server.name] = list
      }
      servers = lists
    }

    private static func append<Value>(_ value: Value?, to list: inout [Value?], after gap: Int) {
      list += Array(repeating: nil, count: gap) + [value]
      if list.count > ReportHistory.limit { list.removeFirst(list.count - ReportHistory.limit) }
    }
  }

  package private(set) var values = Values()
  private let step: Interval
  /// The number of the last value's step.
  private var last: UInt64?

  /// `step`: the time between two values, not zero.
  package init(step: Interval) { self.step = step }

  /// The values as JSON.
  package var json: String { JSONText.write(values) }

  /// Returns whether it has added values: those of the first report of each step.
  package mutating func note(_ report: StatusReport, at now: Instant) -> Bool {
    let number = now.nanoseconds / step.nanoseconds
    guard last.map({ number > $0 }) ?? true else { return false }
    // Steps without a report.
    let missed = last.map { Int(clamping: number - $0 - 1) } ?? 0
    last = number
    values.append(report, after: min(missed, Self.limit))
    return true
  }
}
