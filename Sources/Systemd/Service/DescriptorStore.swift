import CSystemd
import Glibc
import Linux

/// Descriptors that systemd keeps across a restart of the service, and those it has opened for it (sd_notify(3),
/// FDSTORE; sd_listen_fds(3)). Has no effect when systemd did not start the process.
package enum DescriptorStore {
  /// Makes systemd keep a duplicate until the name is forgotten or the service stops. The name must not contain colons
  /// or control characters.
  package static func keep(_ descriptor: SharedDescriptor, name: String) {
    NotificationQueue.submit(.descriptor(descriptor, name: name))
  }

  /// A descriptor passed by systemd, owned by the caller, and its name in systemd.
  package struct Passed {
    package let number: Int32
    package let name: String
  }

  /// All passed descriptors. Call it once.
  package static func takePassed() -> [Passed] {
    let first: Int32 = 3
    var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    let count = unsafe cs_passed_descriptors(&names)
    guard count > 0, let names = unsafe names else { return [] }
    defer { unsafe free(names) }
    return (0..<count).map { index in
      // SAFETY: there are `count` strings, each allocated for the caller, and freed once it has been copied.
      let name = unsafe names[Int(index)]
      defer { unsafe free(name) }
      return Passed(number: first + index, name: unsafe name.map { unsafe String(cString: $0) } ?? "")
    }
  }
}
