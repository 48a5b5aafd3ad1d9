import CSystemd
import Linux

/// Descriptors that systemd keeps for the service while it restarts, and those that it opened for it (sd_notify(3),
/// FDSTORE; sd_listen_fds(3)). Nothing is kept, and nothing was passed, when systemd did not start the process.
package enum DescriptorStore {
  /// Has systemd keep a duplicate until it is told to forget the name, or the service stops for good. The name holds
  /// neither colons nor control characters.
  package static func keep(_ descriptor: borrowing Descriptor, name: String) {
    // SAFETY: the string is copied into a datagram during the call, and the descriptor is open for as long.
    unsafe "FDSTORE=1\nFDNAME=\(name)".withCString { unsafe _ = cs_keep_descriptor($0, descriptor.number) }
  }

  /// The numbers of the descriptors that systemd passed, for the caller to own. To be asked once.
  package static func takePassed() -> Range<Int32> {
    let first: Int32 = 3
    return first..<first + max(0, cs_passed_descriptors())
  }
}
