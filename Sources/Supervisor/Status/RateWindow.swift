import Control
import WorkerProtocol
import Wire

/// Connection and request rates over the last ten seconds, from the load that the worker reports.
struct RateWindow {
  private static let width = Interval.seconds(10)
  /// The worker reports its load once a second. A shorter span, caused by a late report, is not used for a rate.
  private static let leastWidth = Interval.milliseconds(900)

  /// Loads closer together than this are one sample, the latest.
  private static let step = Interval.milliseconds(500)

  /// At least `step` apart, except the last one: at most `sampleLimit`.
  private var samples: [(at: Instant, load: Load)] = []
  /// The samples that fit in `width`, plus both ends.
  static let sampleLimit = 24

  var sampleCount: Int { samples.count }

  /// Adds a load that the worker reported.
  mutating func note(_ load: Load, at now: Instant) {
    if samples.count > 1, now - samples[samples.count - 2].at < Self.step { samples.removeLast() }
    samples.append((now, load))
    while samples.count > 2, now - samples[1].at >= Self.width { samples.removeFirst() }
  }

  /// Per second, to one decimal place; nil until the span is long enough.
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
