import Wire

/// Why a received packet is not listened to. The first reason found is the one: whose packet it is comes before what is
/// wrong with it.
package enum AdvertisementRejection: Error, Hashable, Sendable {
  /// It came through a router, or from a sender that is none (RFC 9568 §7.1).
  case hopLimit(UInt8)
  /// Too short or too long for what it says it holds; `expected` counts the advertisement alone.
  case length(found: Int, expected: Int)
  /// A version that this virtual router does not speak.
  case version(UInt8)
  /// Not an advertisement.
  case type(UInt8)
  /// `otherConvention` is true when the checksum is right by the other convention for version 3 over IPv4.
  case checksum(otherConvention: Bool)
  /// The VRID of another virtual router on this network: nothing is wrong.
  case virtualRouter(UInt8)
  /// It is from an address that is not among the unicast peers.
  case peer(IPAddress)
  /// It is from an address that no advertisement comes from: a virtual one, or over IPv6 one that is not link-local.
  case source(IPAddress)
  /// It is for one machine, and the group is listened to.
  case destination(IPAddress)
  /// An interval of zero, or in version 2 another one than ours.
  case interval(centiseconds: UInt16)
  /// Version 2: it is about other addresses than ours.
  case addresses([IPAddress])
  /// Version 2: not the type of authentication that is configured (RFC 2338 §5.3.6).
  case authenticationType(UInt8)
  /// Version 2: not the same simple text.
  case simpleText
  /// There is no keyed trailer, and there has to be one.
  case unsigned
  /// There is a trailer, and it is not of the form known.
  case trailerMalformed
  /// The trailer's time is too far from ours; `secondsAhead` is negative for a time in the past.
  case stale(secondsAhead: Int)
  /// Signed with a key that is not configured.
  case unknownKey(UInt8)
  /// The digest is wrong: changed on the way, another key, or forged.
  case digest
  /// Its sequence does not grow: sent before.
  case replayed

  /// The kinds that counters are kept for.
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

/// How many packets were rejected, by kind.
package struct RejectionCounts: Hashable, Sendable {
  private var counts = [UInt64](repeating: 0, count: AdvertisementRejection.Kind.allCases.count)

  /// Counts one more.
  package mutating func count(_ kind: AdvertisementRejection.Kind) {
    counts[Self.index(kind)] += 1
  }

  /// How many of this kind there were.
  package subscript(kind: AdvertisementRejection.Kind) -> UInt64 { counts[Self.index(kind)] }

  /// Those that are not zero, in the order of `Kind`.
  package var nonZero: [(kind: AdvertisementRejection.Kind, count: UInt64)] {
    AdvertisementRejection.Kind.allCases.map { ($0, self[$0]) }.filter { $0.1 > 0 }
  }

  private static func index(_ kind: AdvertisementRejection.Kind) -> Int {
    // Every case is in allCases.
    AdvertisementRejection.Kind.allCases.firstIndex(of: kind) ?? 0
  }
}

extension AdvertisementRejection: CustomStringConvertible {
  /// Completes "advertisement from ADDRESS rejected: …", and says what to look at.
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
