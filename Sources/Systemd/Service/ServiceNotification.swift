import CSystemd
import Linux
import Wire

/// What a service tells systemd about itself (sd_notify(3)). Said to nobody when systemd did not start the process.
package enum ServiceNotification: Equatable, Sendable {
  /// Everything is up: `systemctl start` returns.
  case ready
  /// Another configuration is being taken over; `ready` ends it. The instant is CLOCK_MONOTONIC's.
  case reloading(at: Instant)
  /// An orderly stop has begun.
  case stopping
  /// One line for `systemctl status`.
  case status(String)
  /// What is under way may take so long: longer than the unit's time-out, if need be.
  case extendTimeout(Interval)
  /// The descriptors kept under this name are not needed any more.
  case forget(name: String)
  /// A sign of life for the watchdog.
  case watchdog

  /// Never waits, also when systemd is stuck: the address must not be lost for that.
  package func send() { NotificationQueue.submit(.assignment(text)) }

  /// Waits until systemd has been told everything, for a second at most: the last thing that a process does.
  package static func flush() { NotificationQueue.flush() }

  /// The assignment of the protocol. A line break would begin another one.
  var text: String {
    switch self {
    case .ready: "READY=1"
    case .reloading(let now): "RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)"
    case .stopping: "STOPPING=1"
    case .status(let line): "STATUS=" + line.escapingControls()
    case .extendTimeout(let interval): "EXTEND_TIMEOUT_USEC=\(interval.nanoseconds / 1000)"
    case .forget(let name): "FDSTOREREMOVE=1\nFDNAME=\(name)"
    case .watchdog: "WATCHDOG=1"
    }
  }

  /// How long systemd waits between signs of life before it restarts the service; nil when it does not watch this
  /// process. Microseconds.
  package static var watchdogMicroseconds: UInt64? {
    let microseconds = cs_watchdog_microseconds()
    return microseconds > 0 ? microseconds : nil
  }
}
