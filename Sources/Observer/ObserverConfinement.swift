import Linux
import Wire

/// What the observer gives up before it accepts a client: capabilities, files, and all system calls that it does not
/// need. Permanent.
enum ObserverConfinement {
  /// Call it when everything is open, and before any thread is started. Returns the protections that this kernel lacks,
  /// as text for the log; other failures are thrown.
  static func enter() throws(SystemError) -> [String] {
    // Loads the time zone, and makes the sockets for the log.
    _ = Clock.local(WallTime(seconds: 0))
    // For the log, and for systemd's notification.
    try DatagramSender.reserveSockets(2)

    try Privileges.hideMemory()
    try Privileges.keep([])
    try Privileges.forbidNew()
    // To report an error, a sanitizer reads the memory map and runs another program. No released binary contains one.
    if SystemCallFilter.isSanitized { return ["not in a build with a sanitizer"] }

    var gaps: [String] = []
    do throws(SystemError) { try FileAccess().enforce() } catch {
      guard error.isUnsupported else { throw error }
      gaps.append("the kernel has no Landlock (\(error))")
    }
    do throws(SystemError) {
      try ObserverCalls.expectedToFail.enforce(logging: false)
      try ObserverCalls.filter(for: CurrentProcess.identifier).enforce(logging: true)
    } catch {
      guard error.isUnsupported else { throw error }
      gaps.append("the kernel filters no system calls (\(error))")
    }
    return gaps
  }
}
