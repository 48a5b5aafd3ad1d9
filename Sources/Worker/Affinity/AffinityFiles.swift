import Balancing
import Linux
import Logging
import Wire

/// Stores the affinity tables in files, one for each service with `affinity.file`, on its own thread, so that disk I/O
/// never blocks a loop: once a minute if the table has changed, and at the end. A file is replaced atomically.
final class AffinityFiles: Sendable {
  /// The file for a service's assignments.
  struct File: Equatable, Sendable {
    let path: String
    let affinity: AffinityStore

    static func == (left: File, right: File) -> Bool { left.path == right.path && left.affinity === right.affinity }
  }

  /// Maximum age of the assignments lost in a crash. The hash assigns most of those clients to the same server again.
  static let interval = Interval.minutes(1)

  private struct State {
    var files: [File]
    var nextSave: Instant
  }

  private let log: Logger
  private let writer: BackgroundWriter<State>

  /// `files`: the files from which the assignments were read, if they existed.
  init(_ files: [File], log: Logger, at now: Instant) throws(SystemError) {
    self.log = log
    writer = try BackgroundWriter(State(files: files, nextSave: now + AffinityFiles.interval))
    let changes = files.map(\.affinity.changes)
    try writer.start(name: "affinity") { self.run(saved: zip(files, changes).map { ($0, $1) }) }
  }

  /// Reads the file of an earlier worker; nil when there is none or it is unreadable, which is logged.
  static func read(_ path: String, _ log: Logger) -> AffinitySnapshot? {
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try Linux.File.contents(of: path, limit: AffinitySnapshot.byteLimit) } catch {
      if error.code != SystemError.notFound { log.warning("affinity: \(error); the file is ignored") }
      return nil
    }
    do throws(AffinitySnapshotError) {
      let snapshot = try AffinitySnapshot(decoding: bytes.span)
      let age = snapshot.elapsed(at: Clock.wall()).nanoseconds / 1_000_000_000
      log.info("affinity: \(path) has \(snapshot.count) clients, of \(age) s ago")
      return snapshot
    } catch {
      log.warning("affinity: \(path) \(error); the file is ignored")
      return nil
    }
  }

  /// Changes the files. A new file is written at once; a file no longer configured is written a last time.
  func adopt(_ files: [File], at now: Instant) {
    writer.submit { state in
      guard files != state.files else { return false }
      state = State(files: files, nextSave: now + AffinityFiles.interval)
      return true
    }
  }

  /// Called periodically.
  func tick(at now: Instant) {
    writer.submit { state in
      guard now >= state.nextSave else { return false }
      state.nextSave = now + AffinityFiles.interval
      return true
    }
  }

  /// Saves soon if there are changes, and then continues periodically.
  func save() { writer.submit { _ in true } }

  /// Waits until a started `save` is done, at most until the deadline.
  func waitForEnd(until deadline: Instant) { writer.flush(until: deadline) }

  /// `saved`: the existing files, each with the table's change count at the time of writing.
  private func run(saved: [(file: File, changes: UInt64)]) {
    var saved = saved
    var failing: Set<String> = []
    while true {
      let files = writer.next { $0.files }
      // A file that is no longer configured gets the changes since it was written, unless another table uses it.
      let dropped = saved.map(\.file).filter { old in !files.contains { $0.path == old.path } }
      defer { saved.removeAll { !files.contains($0.file) } }
      for file in files + dropped {
        let changes = file.affinity.changes
        let known = saved.firstIndex { $0.file == file }
        if let known, saved[known].changes == changes { continue }
        let bytes = file.affinity.snapshot(at: Clock.monotonic(), wall: Clock.wall()).encoded()
        do throws(SystemError) {
          try Linux.File.replace(file.path, with: bytes.span)
          if let known { saved[known].changes = changes } else { saved.append((file, changes)) }
          if failing.remove(file.path) != nil { log.notice("affinity: \(file.path) can be written again") }
        } catch {
          if failing.insert(file.path).inserted {
            log.warning("affinity: \(error); assignments are not kept across a restart")
          }
        }
      }
    }
  }
}
