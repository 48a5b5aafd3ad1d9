import Linux
import WorkerProtocol
import Synchronization

/// A new snapshot on its way into every loop: new connections and requests take it, what runs keeps its own.
final class SnapshotRollout: Sendable {
  let snapshot: ConfigurationSnapshot
  /// New listening sockets, for all loops.
  let listeners: [HandedListener]
  let withdrawn: [ListenerPlace]
  /// Loops from this number on retire: they hand their listeners on and finish what they have.
  let loops: Int
  private let waiting: Atomic<Int>
  private let whenDone: @Sendable () -> Void

  /// `whenDone` is called by the last of `participants` loops that has taken the snapshot over.
  init(
    _ snapshot: ConfigurationSnapshot, listeners: [HandedListener], withdrawn: [ListenerPlace], loops: Int,
    participants: Int,
    whenDone: @escaping @Sendable () -> Void
  ) {
    self.snapshot = snapshot
    self.listeners = listeners
    self.withdrawn = withdrawn
    self.loops = loops
    self.whenDone = whenDone
    waiting = Atomic(participants)
  }

  /// One loop has taken it over.
  func done() {
    if waiting.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { whenDone() }
  }
}
