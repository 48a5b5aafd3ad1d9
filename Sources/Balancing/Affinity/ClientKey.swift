import Wire

/// What a client is known by: its address, cut to the bits that tell clients apart. IPv4 stands in its IPv4-mapped form
/// (`::ffff:a.b.c.d`), which no IPv6 client has.
public struct ClientKey: Hashable, Sendable {
  public let high: UInt64
  public let low: UInt64

  /// From the words of a key that was made before.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A host changes its IPv6 address within its /64 as it likes; each IPv4 address is a client.
  public init(_ address: IPAddress, v4Prefix: Int = 32, v6Prefix: Int = 64) {
    let network = address.masked(v4Prefix: v4Prefix, v6Prefix: v6Prefix)
    high = network.high
    low = network.family == .v4 ? 0xffff_0000_0000 | network.low : network.low
  }

  /// Stands for one connection of this client, from that port of it, where connections are placed and not clients.
  public func connection(fromPort port: UInt16) -> ClientKey {
    ClientKey(high: high, low: low ^ UInt64(port) &<< 48)
  }

  /// Where the client stands in the rendezvous: the same number on every node, after every restart. Exactly:
  /// `mixed(mixed(high) ^ low)` with the finaliser of SplitMix64.
  var position: UInt64 { mixed(mixed(high) ^ low) }
}
