import Configuration
import Linux
import Logging
import ReferencedFiles
import TLS
import Wire

/// A worker's confinement: what it gives up before it meets a client's first byte, and what it keeps. After this, a hole
/// in a parser is a dead end: there is no capability to use, no program to start, no process to reach, and no file but
/// the service's own.
///
/// docs/security.md describes it call by call.
package struct Confinement: Sendable {
  /// What may be opened; nil when the kernel has no Landlock and the file system's permissions alone decide.
  private let files: FileAccess?
  /// What was at these paths then: what is put into a folder's place is another one, and not allowed.
  private let granted: [String: File.Identity]
  /// What could not be had, in words for the log.
  private let gaps: [String]

  /// Confines this process for ever. Call it when the configuration is known, before any thread is started, for a thread
  /// that runs already is not confined by Landlock. What a kernel does not have is told by `tell`; anything else that
  /// fails is thrown, and nothing must be served then.
  package static func enter(naming files: [FileReference]) throws(SystemError) -> Confinement {
    // What libraries read once: OpenSSL's configuration and providers, the time zone.
    prepareOpenSSL()
    _ = Clock.local(WallTime(seconds: 0))
    // The log's, the access log's, and another one's while a reload puts it in the place of that.
    try DatagramSender.reserveSockets(3)

    try Privileges.hideMemory()
    try Privileges.keep([])
    try Privileges.forbidNew()

    // A finding is told with the help of the memory's map and of another program. No released binary is built so.
    if SystemCallFilter.isSanitized {
      return Confinement(files: nil, granted: [:], gaps: ["not in a build with a sanitizer"])
    }

    var gaps: [String] = []
    var granted: FileAccess? = FileAccess(for: files)
    let identities = (granted?.rights ?? [:]).keys.compactMap { path in File.identity(of: path).map { (path, $0) } }
    do throws(SystemError) { try granted?.enforce() } catch {
      guard error.isUnsupported else { throw error }
      gaps.append("the kernel has no Landlock (\(error)): the worker may open what its user may open")
      granted = nil
    }
    do throws(SystemError) {
      try WorkerCalls.expectedToFail.enforce(logging: false)
      try WorkerCalls.filter(for: CurrentProcess.identifier).enforce(logging: true)
    } catch {
      guard error.isUnsupported else { throw error }
      gaps.append("the kernel filters no system calls (\(error)): the worker may make any that its user may make")
    }
    return Confinement(
      files: granted, granted: Dictionary(uniqueKeysWithValues: identities), gaps: gaps)
  }

  /// Says what could not be had.
  func tell(_ log: Logger) {
    for gap in gaps { log.warning("confinement: \(gap)") }
  }

  /// Refuses the files of a reloaded configuration that are beyond what this process kept.
  func refuseFilesOutside(_ loaded: inout Configuration.Loaded) {
    guard let files else { return }
    for file in loaded.files {
      var wanted = FileAccess()
      wanted.allow(file)
      let because: String
      if !files.covers(wanted) {
        because = "is in a folder that the running worker has no access to"
      } else if !files.covers(wanted, where: { File.identity(of: $0) == granted[$0] }) {
        because =
          "is in a folder that was replaced since the running worker's start, which has no access to the new one"
      } else {
        continue
      }
      loaded.refuse(file, because: because, suggestion: "`systemctl restart belvedere` applies the configuration")
    }
  }
}
