import Domain
import Linux
import Synchronization
import Wire

/// The metrics of a loop, published once a second: often enough for operators, and at no noticeable cost.
struct LoopFigures: Sendable {
  /// Since the first loop with this index started.
  var counters = Counters()
  /// Number of connections to each server, including idle ones.
  var connections: [ServerIdentity: Int] = [:]

  static func += (total: inout LoopFigures, other: LoopFigures) {
    total.counters = total.counters + other.counters
    if !other.connections.isEmpty { total.connections.merge(other.connections, uniquingKeysWith: +) }
  }

  /// The time between publications.
  static let interval = Interval.seconds(1)

  /// Shared storage that one loop writes and the main thread reads.
  final class Metrics: Sendable {
    private let figures = Mutex(LoopFigures())

    var latest: LoopFigures { figures.withLock { $0 } }

    func publish(_ new: LoopFigures) { figures.withLock { $0 = new } }
  }
}

extension LoopContext {
  /// The current counters and connections.
  var figures: LoopFigures {
    var figures = LoopFigures(counters: reports.counters)
    for key in servers.keys where servers[key].phase != .ending {
      figures.connections[servers[key].shared.identity, default: 0] += 1
    }
    return figures
  }
}
