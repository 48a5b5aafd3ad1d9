import Wire

/// Why a received packet was rejected: the first reason found. The packet's virtual router is checked before its
/// content.
package enum AdvertisementRejection: Error, Hashable, Sendable {
  /// The TTL is not 255: a router forwarded the packet, or the sender is not a VRRP router (RFC 9568 §7.1).
  case hopLimit(UInt8)
  /// Shorter or longer than its address count requires; `expected` is the length of the advertisement alone.
  case length(found: Int, expected: Int)
  /// Not the configured version.
  case version(UInt8)
  /// Not an advertisement.
  case type(UInt8)
  /// `otherConvention` is true when the checksum is valid by the other convention for version 3 over IPv4.
  case checksum(otherConvention: Bool)
  /// The VRID of another virtual router on this network. This is normal.
  case virtualRouter(UInt8)
  /// The sender is not among the unicast peers.
  case peer(IPAddress)
  /// The source can't be that of an advertisement: a virtual address, or over IPv6 not a link-local one.
  case source(IPAddress)
  /// Unicast, and this virtual router uses multicast.
  case destination(IPAddress)
  /// The interval is zero, or in version 2 different from ours.
  case interval(centiseconds: UInt16)
  /// Version 2: the addresses are different from ours.
  case addresses([IPAddress])
  /// Version 2: not the configured authentication type (RFC 2338 §5.3.6).
  case authenticationType(UInt8)
  /// Version 2: the password (simple text) is different.
  case simpleText
  /// There is no keyed trailer, and one is required.
  case unsigned
  /// The keyed trailer has an unknown form.
  case trailerMalformed
  /// The difference between the trailer's time and ours is too large; `secondsAhead` is negative for a time in the
  /// past.
  case stale(secondsAhead: Int)
  /// Signed with a key that is not configured.
  case unknownKey(UInt8)
  /// The digest is wrong: the packet was changed, signed with another key, or forged.
  case digest
  /// The sequence is not greater than the sender's last one: a replay.
  case replayed

  /// The kinds of rejection, which have a counter each.
  package enum Kind: String, CaseIterable, Sendable {
    case hopLimit, length, version, type, checksum, virtualRouter, peer, source, destination, interval, addresses
    case authenticationType, simpleText, unsigned, trailerMalformed, stale, unknownKey, digest, replayed
  }

  package var kind: Kind {
    switch self {
    case .hopLimit: .hopLimit
    case .length: .length
    case .version: .version
    case .type: .type
    case .checksum: .checksum
    case .virtualRouter: .virtualRouter
    case .peer: .peer
    case .source: .source
    case .destination: .destination
    case .interval: .interval
    case .addresses: .addresses
    case .authenticationType: .authenticationType
    case .simpleText: .simpleText
    case .unsigned: .unsigned
    case .trailerMalformed: .trailerMalformed
    case .stale: .stale
    case .unknownKey: .unknownKey
    case .digest: .digest
    case .replayed: .replayed
    }
  }
}

/// The number of rejected packets by kind.
package struct RejectionCounts: Hashable, Sendable {
  private var counts = [UInt64](repeating: 0, count: AdvertisementRejection.Kind.allCases.count)

  /// Increments the counter of a kind.
  package mutating func count(_ kind: AdvertisementRejection.Kind) {
    counts[Self.index(kind)] += 1
  }

  /// The number of packets of this kind.
  package subscript(kind: AdvertisementRejection.Kind) -> UInt64 { counts[Self.index(kind)] }

  /// The counters that are not zero, in the order of `Kind`.
  package var nonZero: [(kind: AdvertisementRejection.Kind, count: UInt64)] {
    AdvertisementRejection.Kind.allCases.map { ($0, self[$0]) }.filter { $0.1 > 0 }
  }

  private static func index(_ kind: AdvertisementRejection.Kind) -> Int {
    // Every case is in allCases.
    AdvertisementRejection.Kind.allCases.firstIndex(of: kind) ?? 0
  }
}

extension AdvertisementRejection: CustomStringConvertible {
  /// Completes "advertisement from ADDRESS rejected: …", and includes what to check.
  package var description: String {
    switch self {
    case .hopLimit(let value): "its TTL is \(value), not 255: it is not from this link"
    case .length(let found, let expected): "it has \(found) bytes and says that it holds \(expected)"
    case .version(let version): "it is of version \(version); compare `version` on both nodes"
    case .type(let type): "it is of type \(type), which is no advertisement"
    case .checksum(otherConvention: true):
      "its checksum follows the other convention for IPv4 in version 3; set `checksum` to what the peer uses"
    case .checksum(otherConvention: false): "its checksum is wrong"
    case .virtualRouter(let identifier): "it belongs to virtual router \(identifier)"
    case .peer(let address): "\(address) is not among `peers`"
    case .source(let address) where address.family == .v6:
      "\(address) is a virtual address, or not link-local; over IPv6 advertisements come from fe80::/10, or from `peers`"
    case .source(let address): "\(address) is a virtual address, and an advertisement comes from a machine's own"
    case .destination(let address): "it was sent to \(address) alone; set `peers` on both nodes, or on neither"
    case .interval(0): "its interval is zero"
    case .interval(let centiseconds):
      "its interval is \(Interval.centiseconds(UInt64(centiseconds)).text); in version 2 both nodes need the same"
    case .addresses(let addresses):
      "it is about \(addresses.map { "\($0)" }.joined(separator: ", ")); compare `address` on both nodes"
    case .authenticationType(let type): "its authentication is of type \(type), which is not the one configured here"
    case .simpleText: "its simple text is not ours"
    case .unsigned: "it is not signed, and `authentication` enforces that"
    case .trailerMalformed: "its trailer is not of a known form"
    case .stale(let seconds) where seconds < 0:
      "it was signed \(-seconds) s ago; compare the clocks of both nodes"
    case .stale(let seconds): "it was signed \(seconds) s in the future; compare the clocks of both nodes"
    case .unknownKey(let identifier): "it is signed with key \(identifier), which is not configured here"
    case .digest: "its signature is wrong: another key, or a forgery"
    case .replayed: "it, or a later one, was received before: a replay, or a clock that was set back"
    }
  }
}
