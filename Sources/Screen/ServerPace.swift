import Control
import Domain
import Wire

/// Requests a second and the mean time to a response of each server, over the last reports.
struct ServerPace {
  /// In seconds.
  private static let window: UInt64 = 15

  private struct Counts {
    let requests: UInt64
    let responses: UInt64
    let microseconds: UInt64
  }

  private struct Sample {
    let time: WallTime
    let servers: [String: Counts]
  }

  /// The oldest first; at most one for each second of the window, as reports come, and two.
  private var samples: [Sample] = []

  mutating func note(_ report: StatusReport) {
    var servers: [String: Counts] = [:]
    for server in report.servers where !server.isRemoved {
      guard let counts = server.counts else { continue }
      servers[server.name] = Counts(
        requests: counts.traffic.requests, responses: counts.responseTime.count,
        microseconds: counts.responseTime.microseconds)
    }
    samples.append(Sample(time: report.time, servers: servers))
    while samples.count > 2, report.time.seconds(since: samples[0].time) > Self.window || samples.count > 64 {
      samples.removeFirst()
    }
  }

  /// Nil where it is not known.
  func requestsPerSecond(of server: String) -> Double? {
    guard let (first, last, seconds) = ends(of: server), last.requests >= first.requests else { return nil }
    return Double(last.requests - first.requests) / seconds
  }

  /// Nil where there was no response.
  func responseMilliseconds(of server: String) -> Double? {
    guard let (first, last, _) = ends(of: server), last.responses > first.responses,
      last.microseconds >= first.microseconds
    else { return nil }
    return Double(last.microseconds - first.microseconds) / Double(last.responses - first.responses) / 1000
  }

  private func ends(of server: String) -> (Counts, Counts, seconds: Double)? {
    guard let first = samples.first(where: { $0.servers[server] != nil }), let last = samples.last,
      last.time > first.time, let (earlier, later) = pair(first.servers[server], last.servers[server])
    else { return nil }
    return (earlier, later, Double((last.time - first.time).milliseconds) / 1000)
  }

  private func pair(_ first: Counts?, _ last: Counts?) -> (Counts, Counts)? {
    guard let first, let last else { return nil }
    return (first, last)
  }
}
