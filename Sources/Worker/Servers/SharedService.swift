import Synchronization

/// A service, identified by its name, as shared by all snapshots: where its counters are, and its connections.
final class SharedService: Sendable {
  /// Of its counters in each loop.
  let slot: CounterSlot
  private let connections = Atomic<Int>(0)

  init(_ slot: CounterSlot) { self.slot = slot }

  /// Number of open client connections.
  var connectionCount: Int { connections.load(ordering: .relaxed) }

  func connectionBegan() { connections.add(1, ordering: .relaxed) }

  func connectionEnded() { connections.subtract(1, ordering: .relaxed) }
}
