import Control
import Linux
import Logging
import Wire

/// Keeps administrative states in a file, over a restart. Written when it changes, on a thread of its own, so that
/// no disk makes the supervisor wait. The file is replaced as a whole; one that can't be written is tried again.
final class AdminStateFile: Sendable {
  /// What is to be in the file.
  private struct Draft {
    let path: String
    let text: String
    /// The last command that is in it.
    let number: UInt64
  }

  private struct State {
    /// The newest that is not written yet.
    var pending: Draft?
    /// What is to be in the file, written or not.
    var newest: Draft?
    /// Why the file could not be written the last time.
    var failure: String?
    var retryAt = Instant(nanoseconds: 0)
    /// Up to this command it is known whether it is in the file.
    var settled: UInt64 = 0
  }

  /// How long after a failure the file is tried again.
  private static let rest = Interval.seconds(5)

  private let log: Logger
  private let writer: BackgroundWriter<State>
  private let settlement: Wakeup

  init(log: Logger) throws(SystemError) {
    self.log = log
    settlement = try Wakeup()
    writer = try BackgroundWriter(State())
    try writer.start(name: "server-state") { self.run() }
  }

  /// What an earlier service has left; empty when there is nothing, or nothing that reads, which is said in the log.
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

  /// Has the poller told when it is known what became of a command.
  func watch(_ poller: borrowing Poller) throws(SystemError) {
    try poller.watchLevel(settlement.descriptor, token: SupervisorToken(.adminStateFile).rawValue)
  }

  /// Writes it there soon; of several that wait, the last. `number` is that of the last command in it.
  func save(_ snapshot: AdminStateSnapshot, upTo number: UInt64, to path: String) {
    let draft = Draft(path: path, text: snapshot.text, number: number)
    writer.submit { state in
      state.pending = draft
      state.newest = draft
      return true
    }
  }

  /// Nothing is to be remembered any more.
  func forget() {
    writer.access { state in
      state.pending = nil
      state.newest = nil
      state.failure = nil
    }
  }

  /// Tries again what could not be written, when it is time.
  func retry(at now: Instant) {
    writer.submit { state in
      guard state.failure != nil, state.pending == nil, now >= state.retryAt else { return false }
      state.pending = state.newest
      return true
    }
  }

  /// Up to which command it is known what became of the file, and why it could not be written the last time, if so. Quiet
  /// until there is more to know.
  func takeOutcome() -> (number: UInt64, failure: String?) {
    settlement.drain()
    return writer.access { ($0.settled, $0.failure) }
  }

  /// Waits until all is written, but not beyond the deadline. What could not be written is tried once more.
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
      state.settled = max(state.settled, draft.number)
      state.failure = state.newest == nil ? nil : failure?.description
      state.retryAt = Clock.monotonic() + Self.rest
      return hadFailed
    }
    settlement.signal()
    if let failure, !hadFailed {
      log.warning("server state: \(failure); they last until a restart only, and writing is tried again")
    } else if failure == nil, hadFailed {
      log.notice("server state: \(draft.path) can be written again")
    }
  }
}
