import CSystemd
import Glibc
import Linux
import Wire

/// The queue of notifications to systemd, in order: libsystemd blocks while systemd's socket is full.
enum NotificationQueue {
  enum Entry: Sendable {
    /// Assignments of sd_notify(3), one per line.
    case assignment(String)
    /// A descriptor for systemd to keep under this name.
    case descriptor(SharedDescriptor, name: String)
  }

  static func submit(_ entry: Entry) {
    if let sink { sink.submit(entry) } else { deliver(entry) }
  }

  static func flush() { sink?.flush(within: .seconds(1)) }

  /// Holds an hour of watchdog notifications for a blocked systemd before any is dropped. Nil without NOTIFY_SOCKET,
  /// and when no thread can be created: sending then blocks.
  private static let sink: BackgroundSink<Entry>? = {
    // SAFETY: the value is only compared with nil, and nothing here calls setenv.
    guard unsafe getenv("NOTIFY_SOCKET") != nil else { return nil }
    return try? BackgroundSink(name: "notify", capacity: 1024) { entries, _ in
      for entry in entries { deliver(entry) }
    }
  }()

  private static func deliver(_ entry: Entry) {
    switch entry {
    case .assignment(let text):
      // SAFETY: the string is copied into a datagram during the call.
      unsafe text.withCString { unsafe _ = cs_notify($0) }
    case .descriptor(let kept, let name):
      // SAFETY: as above, and the descriptor is open for as long.
      unsafe "FDSTORE=1\nFDNAME=\(name)".withCString { unsafe _ = cs_keep_descriptor($0, kept.descriptor.number) }
    }
  }
}
