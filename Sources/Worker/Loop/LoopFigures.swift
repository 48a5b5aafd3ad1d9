import Domain
import Linux
import Synchronization
import Wire

/// What a loop shows of itself, once a second: so often that nobody sees the difference, and so seldom that it costs
/// nothing.
struct LoopFigures: Sendable {
  /// Since the first loop of this number started.
  var counters = Counters()
  /// Connections to servers, idle ones among them.
  var connections: [ServerPlace: Int] = [:]

  /// From one showing to the next.
  static let interval = Interval.seconds(1)

  /// Where one loop writes and the main thread reads.
  final class Metrics: Sendable {
    private let figures = Mutex(LoopFigures())

    var latest: LoopFigures { figures.withLock { $0 } }

    func publish(_ new: LoopFigures) { figures.withLock { $0 = new } }
  }
}

extension LoopContext {
  /// What the loop has counted and holds now.
  var figures: LoopFigures {
    var figures = LoopFigures(counters: reports.counters)
    for key in servers.keys where servers[key].phase != .ending {
      figures.connections[servers[key].shared.place, default: 0] += 1
    }
    return figures
  }
}
