/// How another host shows, by ARP or neighbour discovery, that it has one of our addresses, or would have it.
package enum AddressClaim: Hashable, Sendable {
  /// It announces, unasked (RFC 5227 §2.3, RFC 4861 §7.2.6): a program that runs has just become, or asserts itself
  /// as, the one that has the address.
  case announced
  /// It answers our probe: its kernel has the address now.
  case answered
  /// It asks for another address, and names ours as its own: a kernel does that as long as it has the address, even for a
  /// process that has died.
  case used
  /// It has no address, and asks who has ours (RFC 5227 §2.1.1): a Backup that hears no Active, or a machine that is about
  /// to take it for its own.
  case sought
}
