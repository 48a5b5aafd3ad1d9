import Linux
import WorkerProtocol
import Synchronization

/// The distribution of a new snapshot to every loop: new connections and requests use it, existing ones keep their own.
final class SnapshotRollout: Sendable {
  let snapshot: ConfigurationSnapshot
  /// New listening sockets, for all loops.
  let listeners: [HandedListener]
  let withdrawn: [ListenerIdentity]
  /// Loops from this index on retire: they pass on their listeners and finish their exchanges.
  let loops: Int
  /// Number of loops that have not confirmed, plus one while it is being distributed.
  private let owing = Atomic(1)
  private let whenDone: @Sendable () -> Void

  /// `whenDone` is called when distribution has ended (`done`) and every loop has adopted the snapshot.
  init(
    _ snapshot: ConfigurationSnapshot, listeners: [HandedListener], withdrawn: [ListenerIdentity], loops: Int,
    whenDone: @escaping @Sendable () -> Void
  ) {
    self.snapshot = snapshot
    self.listeners = listeners
    self.withdrawn = withdrawn
    self.loops = loops
    self.whenDone = whenDone
  }

  /// Sends it to a loop. A loop that has ended need not confirm.
  func post(to mailbox: Mailbox) {
    owing.add(1, ordering: .relaxed)
    if !mailbox.post(.adopt(self)) { done() }
  }

  /// One loop has adopted it, or distribution has ended.
  func done() {
    if owing.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { whenDone() }
  }
}
