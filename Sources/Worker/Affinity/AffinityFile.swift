import Balancing
import Linux
import Logging
import Synchronization
import Wire

/// Keeps the clients' servers in a file, on a thread of its own, so that no disk makes a loop wait: once a minute when
/// anything changed, and at the end. The file is replaced as a whole.
final class AffinityFile: Sendable {
  /// What a crash may lose. The hash gives most of those clients the same server again.
  static let interval = Interval.minutes(1)

  private struct State {
    var path: String?
    /// What the file holds.
    var saved: (path: String, changes: UInt64)?
    var isRunning = false
    var nextSave = Instant.distantFuture
    /// The last one: whatever has changed, and then no more.
    var isEnding = false
    var hasEnded = false
  }

  private let affinity: AffinityStore
  private let log: Logger
  private let state = Mutex(State())
  private let wakeup: Wakeup
  private let ending: Wakeup

  /// `path` is the file that the assignments come from, if they were kept.
  init(_ affinity: AffinityStore, readFrom path: String?, log: Logger, at now: Instant) throws(SystemError) {
    self.affinity = affinity
    self.log = log
    wakeup = try Wakeup()
    ending = try Wakeup()
    guard let path else { return }
    state.withLock { $0.saved = (path, affinity.changes) }
    try adopt(path, at: now)
  }

  /// What an earlier worker has left; nil when there is nothing, or nothing that reads, which is said in the log.
  static func read(_ path: String, _ log: Logger) -> AffinitySnapshot? {
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try File.contents(of: path, limit: AffinitySnapshot.byteLimit) } catch {
      if error.code != SystemError.notFound { log.warning("affinity: \(error); the file is ignored") }
      return nil
    }
    do throws(AffinitySnapshotError) {
      let snapshot = try AffinitySnapshot(decoding: bytes.span)
      let age = snapshot.elapsed(at: Clock.wall()).nanoseconds / 1_000_000_000
      log.info("affinity: \(path) has \(snapshot.addresses.count + snapshot.cookies.count) clients, of \(age) s ago")
      return snapshot
    } catch {
      log.warning("affinity: \(path) \(error); the file is ignored")
      return nil
    }
  }

  /// Writes there from now on; nil: nowhere. The file that was written before stays as it is.
  func adopt(_ path: String?, at now: Instant) throws(SystemError) {
    let (isElsewhere, isFirst) = state.withLock { state in
      let (isNew, isFirst) = (path != nil && path != state.path, path != nil && !state.isRunning)
      state.path = path
      if isNew { state.nextSave = now + AffinityFile.interval }
      if isFirst { state.isRunning = true }
      return (isNew && path != state.saved?.path, isFirst)
    }
    if isFirst { try Thread(name: "affinity") { self.run() }.detach() }
    if isElsewhere { wakeup.signal() }
  }

  /// Time has passed.
  func tick(at now: Instant) {
    let isDue = state.withLock { state in
      guard state.path != nil, now >= state.nextSave else { return false }
      state.nextSave = now + AffinityFile.interval
      return true
    }
    if isDue { wakeup.signal() }
  }

  /// Saves soon, if there is something to save, and goes on at its pace.
  func save() { wakeup.signal() }

  /// Begins the last save; nothing changes any more.
  func end() {
    state.withLock { $0.isEnding = true }
    wakeup.signal()
  }

  /// Waits until the last save is done, if there is one, but not beyond the deadline.
  func waitForEnd(until deadline: Instant) {
    ending.wait(until: deadline) { state.withLock { !$0.isRunning || $0.hasEnded } }
  }

  /// Saves whenever it is woken; the body of its thread.
  private func run() {
    var isFailing = false
    var isEnding = false
    while !isEnding {
      wakeup.wait()
      let path: String?
      let saved: (path: String, changes: UInt64)?
      (path, saved, isEnding) = state.withLock { ($0.path, $0.saved, $0.isEnding) }
      let changes = affinity.changes
      guard let path, saved?.path != path || saved?.changes != changes else { continue }
      do throws(SystemError) {
        try File.replace(path, with: affinity.snapshot(at: Clock.monotonic(), wall: Clock.wall()).encoded().span)
        state.withLock { $0.saved = (path, changes) }
        if isFailing { log.notice("affinity: \(path) can be written again") }
        isFailing = false
      } catch {
        if !isFailing { log.warning("affinity: \(error); assignments are not kept across a restart") }
        isFailing = true
      }
    }
    state.withLock { $0.hasEnded = true }
    ending.signal()
  }
}
