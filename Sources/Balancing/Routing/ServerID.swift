/// The identity of a server, derived from its name: stable across reloads, restarts and both nodes of a pair.
///
/// FNV-1a with 64 bits (offset basis `cbf29ce484222325`, prime `100000001b3`) over the name's UTF-8 bytes, without
/// normalisation, then the finaliser of SplitMix64. Clients are placed by it, so a change of this definition moves
/// them: different versions in one pair must agree on it.
public struct ServerID: Hashable, Sendable {
  public let rawValue: UInt64

  /// From an existing identity's raw value.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The identity of the server with this name in the configuration.
  public init(name: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    rawValue = mixed(hash)
  }
}
