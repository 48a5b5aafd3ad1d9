/// How another host's ARP or neighbour discovery message refers to one of our virtual addresses.
package enum AddressClaim: Hashable, Sendable {
  /// An unsolicited announcement (RFC 5227 §2.3, RFC 4861 §7.2.6): a running program has taken the address or announces
  /// it again.
  case announced
  /// A reply to our probe: the host's kernel has the address now.
  case answered
  /// A request for another address, with ours as the sender's. A kernel sends such requests as long as it has the
  /// address, even after the process that added it has died.
  case used
  /// A probe for our address from a host without one (RFC 5227 §2.1.1): a Backup that hears no Active, or a host that
  /// is about to take the address.
  case sought
}
