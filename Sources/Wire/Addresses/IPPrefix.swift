/// A block of addresses, written `10.0.0.0/8` or `2001:db8::/32`; a bare address is a block of one.
///
/// Invariants: `0 ≤ length ≤ network.bitWidth`; every bit of `network` after `length` is zero.
public struct IPPrefix: Hashable, Sendable {
  public let network: IPAddress
  /// In bits: 0 to 32 for IPv4, 0 to 128 for IPv6.
  public let length: Int

  /// The block of `length` bits that contains `address`; nil when the length is invalid for the family.
  public init?(containing address: IPAddress, length: Int) {
    guard 0...address.bitWidth ~= length else { return nil }
    network = address.masked(v4Prefix: min(length, 32), v6Prefix: length)
    self.length = length
  }

  /// The same from a string.
  public init(parsing text: String) throws(AddressTextError) {
    try self.init(parsing: text.utf8Span.span)
  }

  /// Rejects set bits after the prefix (`10.0.0.1/8`): either the address or the length is wrong. IPv4-mapped blocks
  /// (`::ffff:10.0.0.0/104`) become IPv4 ones, as their addresses do.
  public init(parsing text: Span<UInt8>) throws(AddressTextError) {
    var slash = 0
    while slash < text.count, text[slash] != UInt8(ascii: "/") { slash += 1 }
    guard let written = IPAddress.read(text.extracting(0..<slash)) else { throw .notAnAddress }
    let maximum = if case .v4 = written { 32 } else { 128 }
    var length = maximum
    if slash < text.count {
      guard let number = parseDecimal(text.extracting(slash + 1..<text.count), maximum: maximum) else {
        throw .prefixLength(maximum: maximum)
      }
      length = number
    }
    let hostBits: Bool
    switch written {
    case .v4(let bits):
      hostBits = bits & (UInt32.max >> UInt32(length)) != 0
      network = IPAddress(v4: bits & ~(UInt32.max >> UInt32(length)))
      self.length = length
    case .v6(let bits):
      hostBits = bits & (UInt128.max >> UInt128(length)) != 0
      let masked = bits & ~(UInt128.max >> UInt128(length))
      network = IPAddress(
        v6High: UInt64(truncatingIfNeeded: masked >> 64), low: UInt64(truncatingIfNeeded: masked))
      // A mapped network has its last set bits in group 6, so its length is at least 96.
      self.length = network.family == .v4 ? length - 96 : length
    }
    if hostBits { throw .hostBits(network: self) }
  }

  /// False for an address of the other family.
  public func contains(_ address: IPAddress) -> Bool {
    address.family == network.family
      && address.masked(v4Prefix: min(length, 32), v6Prefix: length) == network
  }
}

extension IPPrefix: CustomStringConvertible {
  public var description: String { "\(network)/\(length)" }
}
