import Configuration
import Linux
import Logging
import ReferencedFiles
import TLS
import Wire

/// A worker's confinement: which privileges it drops before it reads a client's first byte, and which it keeps.
/// Afterwards, an attacker who exploits a parser has no capabilities, can start no program, can reach no process, and
/// can open no files but the service's own.
///
/// docs/security.md describes each system call.
package struct Confinement: Sendable {
  /// The files that may be opened; nil when the kernel has no Landlock and only the file permissions apply.
  private let files: FileAccess?
  /// The identity of the directories at these paths when access was granted: a directory that replaces one later is not
  /// accessible.
  private let granted: [String: File.Identity]
  /// Unavailable protections, as text for the log.
  private let gaps: [String]

  /// Confines this process permanently. Call it when the configuration is known and before any thread is started,
  /// because Landlock does not confine threads that already run. Features that the kernel lacks are logged by `logGaps`;
  /// other failures are thrown, and the worker must not serve then. `isPaired`: see `WorkerCalls`.
  package static func enter(naming files: [FileReference], isPaired: Bool) throws(SystemError) -> Confinement {
    // Loads what libraries read only once: OpenSSL's configuration and providers, the time zone.
    prepareOpenSSL()
    _ = Clock.local(WallTime(seconds: 0))
    // For the log, the access log, and another access log while a reload replaces that one.
    try DatagramSender.reserveSockets(3)

    try Privileges.hideMemory()
    try Privileges.keep([])
    try Privileges.forbidNew()

    // To report an error, a sanitizer reads the memory map and runs another program. No released binary contains one.
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
      try WorkerCalls.filter(for: CurrentProcess.identifier, isPaired: isPaired).enforce(logging: true)
    } catch {
      guard error.isUnsupported else { throw error }
      gaps.append("the kernel filters no system calls (\(error)): the worker may make any that its user may make")
    }
    return Confinement(
      files: granted, granted: Dictionary(uniqueKeysWithValues: identities), gaps: gaps)
  }

  /// Logs the unavailable protections.
  func logGaps(to log: Logger) {
    for gap in gaps { log.warning("confinement: \(gap)") }
  }

  /// Rejects a reloaded configuration with files outside of what this process can access.
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
