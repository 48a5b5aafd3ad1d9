import Control
import WorkerProtocol
import Wire

/// How fast connections and requests come: what was counted over the last ten seconds, as the worker told it.
struct RateWindow {
  private static let width = Interval.seconds(10)
  /// A worker tells its load once a second; one that is late must not make a rate of two events that came together.
  private static let leastWidth = Interval.milliseconds(900)

  /// Loads that come faster than that are one sample, the latest of them.
  private static let step = Interval.milliseconds(500)

  /// No two are closer than `step`, the last one to its neighbour excepted: at most `sampleLimit`.
  private var samples: [(at: Instant, load: Load)] = []
  /// What `width` has room for, and both ends.
  static let sampleLimit = 24

  var sampleCount: Int { samples.count }

  /// Takes what the worker has told.
  mutating func note(_ load: Load, at now: Instant) {
    if samples.count > 1, now - samples[samples.count - 2].at < Self.step { samples.removeLast() }
    samples.append((now, load))
    while samples.count > 2, now - samples[1].at >= Self.width { samples.removeFirst() }
  }

  /// In a second, to a tenth; nil until enough time was measured.
  var rates: StatusReport.Rates? {
    guard let first = samples.first, let last = samples.last, last.at - first.at >= Self.leastWidth else { return nil }
    let milliseconds = (last.at - first.at).milliseconds
    func rate(_ from: UInt64, _ to: UInt64) -> Double {
      Double((to &- min(from, to)) &* 10_000 / milliseconds) / 10
    }
    return StatusReport.Rates(
      connections: rate(first.load.accepted, last.load.accepted),
      requests: rate(first.load.requests, last.load.requests))
  }
}
