import Wire

// What a virtual router is like, in the words of the configuration, of reports and of the protocol.

/// How this node takes part in a virtual router.
public struct VirtualRouterSettings: Hashable, Sendable {
  /// The VRID, 1 to 255.
  public var identifier: UInt8
  /// 1 to 254; the node with the higher one is Active. 255 is the owner's, who is Active whenever it runs.
  public var priority: UInt8
  /// At least one, all of one family.
  public var addresses: [VirtualAddress]
  public var version = VRRPVersion.v3
  /// Whole hundredths of a second, 10 ms to 40.95 s; in version 2 whole seconds, 1 to 255.
  public var interval = Interval.seconds(1)
  /// Whether a better Backup takes over from an Active that works (Preempt_Mode, RFC 9568 §6.1).
  public var preempts = true
  /// How long a node that comes back leaves a worse Active alone.
  public var preemptDelay = Interval.zero
  public var checksum = VRRPChecksum.message
  /// The addresses of the nodes, this one's may be among them; nil: multicast.
  public var peers: [IPAddress]?

  public init(identifier: UInt8, priority: UInt8, addresses: [VirtualAddress]) {
    self.identifier = identifier
    self.priority = priority
    self.addresses = addresses
  }

  /// `addresses` without the lengths of their prefixes, as advertisements list them.
  public var ipAddresses: [IPAddress] { addresses.map(\.address) }
}

/// What a tracked condition does to a virtual router's priority.
public enum TrackWeight: Hashable, Sendable {
  /// While it is bad this node takes no part.
  case giveUp
  /// −253 to 253. Below zero: added to the priority while it is bad. Above zero: added while it is good.
  case priority(Int)
}

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
