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
  /// Loops that owe an answer, and one for whoever still hands it out.
  private let owing = Atomic(1)
  private let whenDone: @Sendable () -> Void

  /// `whenDone` is called when `done` was, and every loop that it was handed to has taken the snapshot over.
  init(
    _ snapshot: ConfigurationSnapshot, listeners: [HandedListener], withdrawn: [ListenerPlace], loops: Int,
    whenDone: @escaping @Sendable () -> Void
  ) {
    self.snapshot = snapshot
    self.listeners = listeners
    self.withdrawn = withdrawn
    self.loops = loops
    self.whenDone = whenDone
  }

  /// Hands it to a loop. One that has ended owes nothing.
  func post(to mailbox: Mailbox) {
    owing.add(1, ordering: .relaxed)
    if !mailbox.post(.adopt(self)) { done() }
  }

  /// One loop has taken it over, or it has been handed to all.
  func done() {
    if owing.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { whenDone() }
  }
}
