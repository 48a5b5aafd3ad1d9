import Control
import Linux
import Logging
import Synchronization
import Wire

/// Keeps what operators have ordered in a file, over a restart. Written when it changes, on a thread that lives as long
/// as there is something to write, so that no disk makes the supervisor wait. The file is replaced as a whole.
final class OrderFile: Sendable {
  private struct State {
    /// The newest that is not written yet.
    var pending: (path: String, text: String)?
    var isWriting = false
    var isFailing = false
  }

  private let log: Logger
  private let state = Mutex(State())

  init(log: Logger) { self.log = log }

  /// What an earlier service has left; empty when there is nothing, or nothing that reads, which is said in the log.
  static func read(_ path: String, _ log: Logger) -> OrderSnapshot {
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try File.contents(of: path, limit: OrderSnapshot.byteLimit) } catch {
      if error.code != SystemError.notFound { log.warning("orders: \(error); none is remembered from it") }
      return OrderSnapshot([:])
    }
    do throws(OrderSnapshotError) { return try OrderSnapshot(parsing: bytes.span) } catch {
      log.warning("orders: \(path) \(error); none is remembered from it")
      return OrderSnapshot([:])
    }
  }

  /// Writes it there soon; of several that wait, the last.
  func save(_ snapshot: OrderSnapshot, to path: String) {
    let isIdle = state.withLock { state in
      state.pending = (path, snapshot.text)
      defer { state.isWriting = true }
      return !state.isWriting
    }
    guard isIdle else { return }
    do throws(SystemError) { try Thread(name: "orders") { self.write() }.detach() } catch {
      state.withLock { $0.isWriting = false }
      log.warning("orders: \(error); they are not remembered over a restart")
    }
  }

  /// Waits until all is written, but not beyond the deadline.
  func waitForEnd(until deadline: Instant) {
    while state.withLock({ $0.isWriting }), Clock.monotonic() < deadline { Clock.sleep(.milliseconds(2)) }
  }

  private func write() {
    while let (path, text) = next() {
      do throws(SystemError) {
        try File.replace(path, with: Array(text.utf8).span)
        if wasFailing(now: false) { log.notice("orders: \(path) can be written again") }
      } catch {
        if !wasFailing(now: true) { log.warning("orders: \(error); they are not remembered over a restart") }
      }
    }
  }

  private func next() -> (path: String, text: String)? {
    state.withLock { state in
      defer { state.pending = nil }
      state.isWriting = state.pending != nil
      return state.pending
    }
  }

  private func wasFailing(now isFailing: Bool) -> Bool {
    state.withLock { state in
      defer { state.isFailing = isFailing }
      return state.isFailing
    }
  }
}
