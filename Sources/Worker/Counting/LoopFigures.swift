import Domain
import Linux
import Synchronization
import Wire

/// The metrics of a loop, published once a second: often enough for operators, and at no noticeable cost.
struct LoopFigures: Sendable {
  /// Since the first loop with this index started.
  var counters = Counters()
  var servers = CounterTable<ServerCounts>()
  var services = CounterTable<ServiceCounts>()
  /// Number of connections to each server, including idle ones.
  var connections: [ServerIdentity: Int] = [:]

  /// The time between publications.
  static let interval = Interval.seconds(1)

  /// Shared storage that one loop writes and the main thread reads.
  final class Metrics: Sendable {
    private let figures = Mutex(LoopFigures())

    var latest: LoopFigures { figures.withLock { $0 } }

    func publish(_ context: inout LoopContext) {
      let connections = context.serverConnections
      figures.withLock { figures in
        figures.counters = context.reports.counters
        figures.servers.copy(context.reports.servers)
        figures.services.copy(context.reports.services)
        figures.connections = connections
      }
    }
  }
}

extension LoopContext {
  /// Number of connections to each server.
  fileprivate var serverConnections: [ServerIdentity: Int] {
    var connections: [ServerIdentity: Int] = [:]
    for key in servers.keys where servers[key].phase != .ending {
      connections[servers[key].shared.identity, default: 0] += 1
    }
    return connections
  }
}
