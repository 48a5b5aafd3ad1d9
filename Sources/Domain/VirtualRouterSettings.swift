import Wire

// What a virtual router is like, in the words of the configuration, of reports and of the protocol.

/// What a virtual router is to others.
public enum VirtualRouterRole: String, CaseIterable, Codable, Sendable {
  /// Takes no part yet, or no more. keepalived says stop.
  case initialize
  /// Takes no part because something is wrong on this node.
  case fault
  case backup
  /// Holds the addresses. keepalived calls it master.
  case active
}

/// The versions of the protocol that are spoken.
public enum VRRPVersion: String, CaseIterable, Sendable {
  /// RFC 9568, IPv4 and IPv6; intervals are centiseconds.
  case v3 = "3"
  /// RFC 3768, IPv4 only; intervals are whole seconds, and authentication data of RFC 2338 stands behind the addresses.
  case v2 = "2"

  /// As packets have it.
  public var number: UInt8 { self == .v3 ? 3 : 2 }
}

/// What version 3 over IPv4 is summed over. Version 2 has no pseudo-header, IPv6 always has one.
public enum VRRPChecksum: String, CaseIterable, Sendable {
  /// The message alone, as RFC 9568 §5.2.8 settles it.
  case message
  /// With a pseudo-header, as RFC 5798 was read, by keepalived for one.
  case pseudoHeader = "pseudo-header"
}

/// How far a pair has come on the way to signed advertisements. Both nodes go through the modes in turn, and no moment is
/// without an accepted advertisement.
public enum VRRPAuthenticationMode: String, CaseIterable, Sendable {
  /// Verifies a trailer where there is one, sends none.
  case receiveOnly = "receive-only"
  /// Sends signed, accepts unsigned.
  case permissive
  /// Sends signed and accepts nothing else.
  case enforce
}

/// A virtual address with the length of its network's prefix, host bits kept: `192.0.2.100/24`.
public struct VirtualAddress: Hashable, Sendable, CustomStringConvertible {
  public let address: IPAddress
  /// 1 to 32, or to 128 for IPv6.
  public let prefixLength: UInt8

  public init(address: IPAddress, prefixLength: UInt8) {
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Nil for anything but an address, a slash and a length from 1.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = try? IPAddress(parsing: String(parts[0])), let length = UInt8(parts[1]),
      1...address.bitWidth ~= Int(length)
    else { return nil }
    self.init(address: address, prefixLength: length)
  }

  public var description: String { "\(address)/\(prefixLength)" }
}
