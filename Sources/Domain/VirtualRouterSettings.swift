import Wire

// The settings of a virtual router, as used by configuration, reports and protocol.

/// This node's settings for a virtual router.
public struct VirtualRouterSettings: Hashable, Sendable {
  /// The VRID, 1 to 255.
  public var identifier: UInt8
  /// 1 to 254; the node with the higher one is Active. 255 is the priority of the address owner, which is Active
  /// whenever it runs.
  public var priority: UInt8
  /// At least one, all of the same address family.
  public var addresses: [VirtualAddress]
  public var version = VRRPVersion.v3
  /// In whole hundredths of a second, 10 ms to 40.95 s; with version 2 in whole seconds, 1 to 255.
  public var interval = Interval.seconds(1)
  /// Whether a Backup with a higher priority takes over from a working Active (Preempt_Mode, RFC 9568 §6.1).
  public var preempts = true
  /// A recovering node does not preempt an Active with a lower priority for this long.
  public var preemptDelay = Interval.zero
  public var checksum = VRRPChecksum.message
  /// The addresses of the nodes, which may include this one's; nil: multicast.
  public var peers: [IPAddress]?

  public init(identifier: UInt8, priority: UInt8, addresses: [VirtualAddress]) {
    self.identifier = identifier
    self.priority = priority
    self.addresses = addresses
  }

  /// `addresses` without prefix lengths, as listed in advertisements.
  public var ipAddresses: [IPAddress] { addresses.map(\.address) }
}

/// The effect of a tracked condition on a virtual router's priority.
public enum TrackWeight: Hashable, Sendable {
  /// While the condition is bad, this node does not take part in the election.
  case giveUp
  /// −253 to 253. Negative: added to the priority while the condition is bad. Positive: added while it is good.
  case priority(Int)
}

/// The role of a node in a virtual router.
public enum VirtualRouterRole: String, CaseIterable, Codable, Sendable {
  /// Not taking part in the election yet, or no longer. keepalived's term is stop.
  case initialize
  /// Not taking part because of a fault on this node.
  case fault
  case backup
  /// Has the virtual addresses. keepalived's term is master.
  case active
}

/// The supported protocol versions.
public enum VRRPVersion: String, CaseIterable, Sendable {
  /// RFC 9568, IPv4 and IPv6; intervals are centiseconds.
  case v3 = "3"
  /// RFC 3768, IPv4 only; intervals are in whole seconds, and authentication data of RFC 2338 follows the addresses.
  case v2 = "2"

  /// The version number in packets.
  public var number: UInt8 { self == .v3 ? 3 : 2 }
}

/// The data covered by the checksum of version 3 over IPv4. Version 2 has no pseudo-header, IPv6 always has one.
public enum VRRPChecksum: String, CaseIterable, Sendable {
  /// The message alone, as specified in RFC 9568 §5.2.8.
  case message
  /// With a pseudo-header, as some implementations, such as keepalived, interpreted RFC 5798.
  case pseudoHeader = "pseudo-header"
}

/// The stages of introducing signed advertisements in a pair. Both nodes change to each stage in turn, and every
/// advertisement sent meanwhile is accepted.
public enum VRRPAuthenticationMode: String, CaseIterable, Sendable {
  /// Verifies a trailer if there is one, sends none.
  case receiveOnly = "receive-only"
  /// Sends signed advertisements, also accepts unsigned ones.
  case permissive
  /// Sends signed advertisements, accepts no others.
  case enforce
}

/// A virtual address with the prefix length of its network, including host bits: `192.0.2.100/24`.
public struct VirtualAddress: Hashable, Sendable, CustomStringConvertible {
  public let address: IPAddress
  /// 1 to 32, or to 128 for IPv6.
  public let prefixLength: UInt8

  public init(address: IPAddress, prefixLength: UInt8) {
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Nil for anything but an address, a slash and a length of at least 1.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = try? IPAddress(parsing: String(parts[0])), let length = UInt8(parts[1]),
      1...address.bitWidth ~= Int(length)
    else { return nil }
    self.init(address: address, prefixLength: length)
  }

  public var description: String { "\(address)/\(prefixLength)" }
}
