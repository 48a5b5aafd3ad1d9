import Balancing
import Linux
import Logging
import Wire

/// Keeps the clients' servers in a file, on a thread of its own, so that no disk makes a loop wait: once a minute when
/// anything changed, and at the end. The file is replaced as a whole.
final class AffinityFile: Sendable {
  /// What a crash may lose. The hash gives most of those clients the same server again.
  static let interval = Interval.minutes(1)

  private struct State {
    var path: String?
    var nextSave: Instant
  }

  private let affinity: AffinityStore
  private let log: Logger
  private let writer: BackgroundWriter<State>

  /// `path` is the file that the assignments come from, if they were kept.
  init(_ affinity: AffinityStore, readFrom path: String?, log: Logger, at now: Instant) throws(SystemError) {
    self.affinity = affinity
    self.log = log
    writer = try BackgroundWriter(State(path: path, nextSave: now + AffinityFile.interval))
    let changes = affinity.changes
    try writer.start(name: "affinity") { self.run(saved: path, changes) }
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
      log.info("affinity: \(path) has \(snapshot.addresses.count + snapshot.tokens.count) clients, of \(age) s ago")
      return snapshot
    } catch {
      log.warning("affinity: \(path) \(error); the file is ignored")
      return nil
    }
  }

  /// Writes there from now on; nil: nowhere. The file that was written before stays as it is.
  func adopt(_ path: String?, at now: Instant) {
    writer.submit { state in
      guard path != state.path else { return false }
      state = State(path: path, nextSave: now + AffinityFile.interval)
      return true
    }
  }

  /// Time has passed.
  func tick(at now: Instant) {
    writer.submit { state in
      guard now >= state.nextSave else { return false }
      state.nextSave = now + AffinityFile.interval
      return true
    }
  }

  /// Saves soon, if there is something to save, and goes on at its pace.
  func save() { writer.submit { _ in true } }

  /// Waits until what `save` began is done, but not beyond the deadline.
  func waitForEnd(until deadline: Instant) { writer.flush(until: deadline) }

  /// `saved` is what the file holds, as of that many changes.
  private func run(saved path: String?, _ changes: UInt64) {
    var saved = (path: path, changes: changes)
    var isFailing = false
    while true {
      let path = writer.next { $0.path }
      let changes = affinity.changes
      guard let path, saved.path != path || saved.changes != changes else { continue }
      do throws(SystemError) {
        try File.replace(path, with: affinity.snapshot(at: Clock.monotonic(), wall: Clock.wall()).encoded().span)
        saved = (path, changes)
        if isFailing { log.notice("affinity: \(path) can be written again") }
        isFailing = false
      } catch {
        if !isFailing { log.warning("affinity: \(error); assignments are not kept across a restart") }
        isFailing = true
      }
    }
  }
}
