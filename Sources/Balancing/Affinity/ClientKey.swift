import Wire

/// The key that identifies a client: its address, reduced to the prefix that distinguishes clients. IPv4 addresses are
/// in IPv4-mapped form (`::ffff:a.b.c.d`), which no IPv6 client has.
public struct ClientKey: Hashable, Sendable {
  public let high: UInt64
  public let low: UInt64

  /// Restores a key from its words.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// An IPv6 host may change its address within its /64; each IPv4 address is a separate client.
  public init(_ address: IPAddress, v4Prefix: Int = 32, v6Prefix: Int = 64) {
    let network = address.masked(v4Prefix: v4Prefix, v6Prefix: v6Prefix)
    high = network.high
    low = network.family == .v4 ? 0xffff_0000_0000 | network.low : network.low
  }

  /// A key for the connection from this port, for configurations that balance connections and not clients.
  public func connection(fromPort port: UInt16) -> ClientKey {
    ClientKey(high: high, low: low ^ UInt64(port) &<< 48)
  }

  /// The client's position in the rendezvous hash: the same number on every node and after every restart. Exactly:
  /// `mixed(mixed(high) ^ low)` with the finaliser of SplitMix64.
  var position: UInt64 { mixed(mixed(high) ^ low) }
}
