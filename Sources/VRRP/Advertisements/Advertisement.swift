import Domain
import Wire

/// The content of one advertisement, independent of VRRP version and address family.
package struct Advertisement: Hashable, Sendable {
  package var version: VRRPVersion
  /// The VRID, 1 to 255.
  package var virtualRouter: UInt8
  /// 0: the sender stops being Active. 1 to 254: its priority. 255: it owns the addresses.
  package var priority: UInt8
  /// The sender's advertisement interval in centiseconds: 1 to 4095 in version 3, a multiple of 100 from 100 to 25 500
  /// in version 2.
  package var intervalCentiseconds: UInt16
  /// The virtual addresses, 1 to 255 of one family, in the sender's order.
  package var addresses: [IPAddress]

  package init(
    version: VRRPVersion, virtualRouter: UInt8, priority: UInt8, intervalCentiseconds: UInt16, addresses: [IPAddress]
  ) {
    self.version = version
    self.virtualRouter = virtualRouter
    self.priority = priority
    self.intervalCentiseconds = intervalCentiseconds
    self.addresses = addresses
  }

  /// The sender's advertisement interval.
  package var interval: Interval { .centiseconds(UInt64(intervalCentiseconds)) }

  /// The protocol number of VRRP in IP headers (RFC 9568 §5.1.1.4).
  package static let protocolNumber: UInt8 = 112
  /// The TTL or hop limit of every advertisement (RFC 9568 §5.1.1.3). A router decrements it, so a packet with this
  /// value was sent on the link.
  package static let hopLimit: UInt8 = 255
  /// The group to which advertisements of a family are sent (RFC 9568 §5.1.1.2, §5.1.2.2).
  package static func multicastGroup(_ family: IPAddress.Family) -> IPAddress {
    switch family {
    case .v4: IPAddress(v4: 0xe000_0012)
    case .v6: IPAddress(v6High: 0xff02_0000_0000_0000, low: 0x12)
    }
  }
}

extension IPAddress {
  /// fe80::/10 (RFC 4291 §2.5.6).
  package var isLinkLocal: Bool { family == .v6 && high >> 54 == 0xfe80 >> 6 }
}

extension Interval {
  /// The time unit of VRRP version 3.
  package static func centiseconds(_ count: UInt64) -> Interval { .milliseconds(count * 10) }
}

/// A VRRP packet received from the network.
package struct ReceivedPacket: ~Escapable {
  package let source: IPAddress
  package let destination: IPAddress
  /// The TTL (IPv4) or hop limit (IPv6).
  package let hopLimit: UInt8
  /// The bytes after the IP header and its options or extensions.
  package let payload: Span<UInt8>

  @_lifetime(copy payload)
  package init(source: IPAddress, destination: IPAddress, hopLimit: UInt8, payload: Span<UInt8>) {
    self.source = source
    self.destination = destination
    self.hopLimit = hopLimit
    self.payload = payload
  }
}
