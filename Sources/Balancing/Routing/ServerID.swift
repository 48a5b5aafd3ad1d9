/// Who a server is, for as long as it keeps its name: across reloads, restarts and both nodes of a pair.
///
/// Exactly: FNV-1a with 64 bits (offset basis `cbf29ce484222325`, prime `100000001b3`) over the name's UTF-8 bytes as
/// they are written, then the finaliser of SplitMix64. Clients are placed by it, so a change of this definition moves
/// them: it is part of what two versions in one pair must agree on.
public struct ServerID: Hashable, Sendable {
  public let rawValue: UInt64

  /// From the number of an identity that was made before.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The identity of the server with this name, as the configuration writes it.
  public init(name: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    rawValue = mixed(hash)
  }
}
