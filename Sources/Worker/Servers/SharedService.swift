import Synchronization

/// A service, identified by its name, as shared by all snapshots: where its counters are, its connections, and whether it
/// is in maintenance.
final class SharedService: Sendable {
  /// Of its counters in each loop.
  let slot: CounterSlot
  private let connections = Atomic<Int>(0)
  private let maintenance = Atomic<Bool>(false)

  init(_ slot: CounterSlot) { self.slot = slot }

  /// Number of open client connections.
  var connectionCount: Int { connections.load(ordering: .relaxed) }

  func connectionBegan() { connections.add(1, ordering: .relaxed) }

  /// New requests get the page of maintenance, and new connections and flows that are relayed unread are closed. Written by
  /// the main thread.
  var isInMaintenance: Bool {
    get { maintenance.load(ordering: .relaxed) }
    set { maintenance.store(newValue, ordering: .relaxed) }
  }

  func connectionEnded() { connections.subtract(1, ordering: .relaxed) }
}
