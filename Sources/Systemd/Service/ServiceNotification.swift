import CSystemd
import Linux
import Wire

/// A notification to systemd (sd_notify(3)). Ignored when systemd did not start the process.
package enum ServiceNotification: Equatable, Sendable {
  /// The service is ready: `systemctl start` returns.
  case ready
  /// A reload has started; `ready` ends it. The time is CLOCK_MONOTONIC.
  case reloading(at: Instant)
  /// A graceful stop has started.
  case stopping
  /// One line for `systemctl status`.
  case status(String)
  /// The present operation may take this long, even if that exceeds the unit's timeout.
  case extendTimeout(Interval)
  /// The descriptors stored under this name are no longer needed.
  case forget(name: String)
  /// A watchdog notification.
  case watchdog

  /// Never blocks, even when systemd is blocked: otherwise the virtual address could be lost.
  package func send() { NotificationQueue.submit(.assignment(text)) }

  /// Sends at once, over a socket of `DatagramSender.reserveSockets`: for a process that can create none any more. Waits
  /// while systemd is blocked. False if systemd can't be reached.
  package func sendOverReservedSocket() -> Bool {
    guard let path = CurrentProcess.environmentValue("NOTIFY_SOCKET") else { return true }
    var sender = DatagramSender(path: path)
    return sender.send(Array(text.utf8).span)
  }

  /// Waits until systemd has received everything, at most for a second: the last call before a process exits.
  package static func flush() { NotificationQueue.flush() }

  /// The protocol's assignment. A line break would start another one.
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

  /// The watchdog timeout in microseconds, after which systemd restarts the service; nil without a watchdog for this
  /// process.
  package static var watchdogMicroseconds: UInt64? {
    let microseconds = cs_watchdog_microseconds()
    return microseconds > 0 ? microseconds : nil
  }
}
