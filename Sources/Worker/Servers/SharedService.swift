import Synchronization

/// A service, identified by its name, as shared by all snapshots: where its counters are, and its connections.
final class SharedService: Sendable {
  /// Of its counters in each loop.
  let place: CounterPlace
  private let connections = Atomic<Int>(0)

  init(_ place: CounterPlace) { self.place = place }

  /// Number of open client connections.
  var connectionCount: Int { connections.load(ordering: .relaxed) }

  func connectionBegan() { connections.add(1, ordering: .relaxed) }

  func connectionEnded() { connections.subtract(1, ordering: .relaxed) }
}
