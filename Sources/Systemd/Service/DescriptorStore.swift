import CSystemd
import Glibc
import Linux

/// Descriptors that systemd keeps for the service while it restarts, and those that it opened for it (sd_notify(3),
/// FDSTORE; sd_listen_fds(3)). Nothing is kept, and nothing was passed, when systemd did not start the process.
package enum DescriptorStore {
  /// Has systemd keep a duplicate until it is told to forget the name, or the service stops for good. The name holds
  /// neither colons nor control characters.
  package static func keep(_ descriptor: SharedDescriptor, name: String) {
    NotificationQueue.submit(.descriptor(descriptor, name: name))
  }

  /// A descriptor that systemd passed, for the caller to own, and what systemd calls it.
  package struct Passed {
    package let number: Int32
    package let name: String
  }

  /// Everything that systemd passed. To be asked once.
  package static func takePassed() -> [Passed] {
    let first: Int32 = 3
    var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    let count = unsafe cs_passed_descriptors(&names)
    guard count > 0, let names = unsafe names else { return [] }
    defer { unsafe free(names) }
    return (0..<count).map { index in
      // SAFETY: there are `count` strings, each allocated for us, and freed once it has been copied.
      let name = unsafe names[Int(index)]
      defer { unsafe free(name) }
      return Passed(number: first + index, name: unsafe name.map { unsafe String(cString: $0) } ?? "")
    }
  }
}
