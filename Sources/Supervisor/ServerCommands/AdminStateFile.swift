import Control
import Linux
import Logging
import Wire

/// Saves administrative states in a file, so that they survive a restart. Each change is written on a separate thread,
/// so that a slow disk does not block the supervisor. The file is replaced atomically; a failed write is retried.
final class AdminStateFile: Sendable {
  /// Content to be written.
  private struct Draft {
    let path: String
    let text: String
    /// The last command that it includes.
    let number: UInt64
  }

  private struct State {
    /// The latest content that is not written yet.
    var pending: Draft?
    /// The latest content, written or not.
    var newest: Draft?
    /// Why the last write failed.
    var failure: String?
    var retryAt = Instant(nanoseconds: 0)
    /// The last command whose result is known.
    var completed: UInt64 = 0
  }

  /// The delay before a failed write is retried.
  private static let rest = Interval.seconds(5)

  private let log: Logger
  private let writer: BackgroundWriter<State>
  private let completion: Wakeup

  init(log: Logger) throws(SystemError) {
    self.log = log
    completion = try Wakeup()
    writer = try BackgroundWriter(State())
    try writer.start(name: "server-state") { self.run() }
  }

  /// Reads the states that an earlier run saved. Empty when there is no file, or when it is invalid, which is logged.
  static func read(_ path: String, _ log: Logger) -> AdminStateSnapshot {
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try File.contents(of: path, limit: AdminStateSnapshot.byteLimit) } catch {
      if error.code != SystemError.notFound { log.warning("server state: \(error); the file is ignored") }
      return AdminStateSnapshot([:])
    }
    do throws(AdminStateSnapshotError) { return try AdminStateSnapshot(parsing: bytes) } catch {
      log.warning("server state: \(path) \(error); the file is ignored")
      return AdminStateSnapshot([:])
    }
  }

  /// Registers with the poller, which reports when the result of a command is known.
  func watch(_ poller: borrowing Poller) throws(SystemError) {
    try poller.watchLevel(completion.descriptor, token: SupervisorToken(.adminStateFile).rawValue)
  }

  /// Queues a write; it replaces a write that is still queued. `number` is the last command that it includes.
  func save(_ snapshot: AdminStateSnapshot, upTo number: UInt64, to path: String) {
    let draft = Draft(path: path, text: snapshot.text, number: number)
    writer.submit { state in
      state.pending = draft
      state.newest = draft
      return true
    }
  }

  /// Cancels queued writes; states are no longer saved.
  func forget() {
    writer.access { state in
      state.pending = nil
      state.newest = nil
      state.failure = nil
    }
  }

  /// Retries a failed write when the retry is due.
  func retry(at now: Instant) {
    writer.submit { state in
      guard state.failure != nil, state.pending == nil, now >= state.retryAt else { return false }
      state.pending = state.newest
      return true
    }
  }

  /// The last command whose result is known, and why the last write failed. Resets the poller's event.
  func takeOutcome() -> (number: UInt64, failure: String?) {
    completion.drain()
    return writer.access { ($0.completed, $0.failure) }
  }

  /// Waits until everything is written or the deadline has passed. A failed write is retried once.
  func waitForEnd(until deadline: Instant) {
    retry(at: .distantFuture)
    writer.flush(until: deadline)
  }

  private func run() {
    while true {
      guard let draft = writer.next({ $0.pending.take() }) else { continue }
      var failure: SystemError?
      do throws(SystemError) { try File.replace(draft.path, with: Array(draft.text.utf8).span) } catch {
        failure = error
      }
      recordOutcome(draft, failure)
    }
  }

  private func recordOutcome(_ draft: Draft, _ failure: SystemError?) {
    let hadFailed = writer.access { state in
      let hadFailed = state.failure != nil
      state.completed = max(state.completed, draft.number)
      state.failure = state.newest == nil ? nil : failure?.description
      state.retryAt = Clock.monotonic() + Self.rest
      return hadFailed
    }
    completion.signal()
    if let failure, !hadFailed {
      log.warning("server state: \(failure); they last until a restart only, and writing is tried again")
    } else if failure == nil, hadFailed {
      log.notice("server state: \(draft.path) can be written again")
    }
  }
}
