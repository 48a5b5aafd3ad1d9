/// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses (`::ffff:a.b.c.d`) are stored as IPv4, so that a client has the
/// same text on every kind of socket.
public struct IPAddress: Hashable, Sendable {
  /// The IP version.
  public enum Family: UInt8, Sendable { case v4 = 4, v6 = 6 }

  public let family: Family
  /// The address as two big-endian halves; an IPv4 address is in the low 32 bits of `low`.
  public let high: UInt64
  public let low: UInt64

  private init(family: Family, high: UInt64, low: UInt64) {
    self.family = family
    self.high = high
    self.low = low
  }

  /// From four bytes as one number, most significant byte first.
  public init(v4 bits: UInt32) {
    self.init(family: .v4, high: 0, low: UInt64(bits))
  }

  /// From sixteen bytes as two such numbers. An IPv4-mapped address becomes IPv4.
  public init(v6High high: UInt64, low: UInt64) {
    if high == 0, low >> 32 == 0xffff {
      self.init(v4: UInt32(truncatingIfNeeded: low))
    } else {
      self.init(family: .v6, high: high, low: low)
    }
  }

  /// From the address in a packet: 4 bytes (IPv4) or 16 (IPv6), network byte order. Nil for any other count.
  public init?(bytes: Span<UInt8>) {
    var value: UInt128 = 0
    for index in bytes.indices { value = value << 8 | UInt128(bytes[index]) }
    switch bytes.count {
    case 4: self.init(v4: UInt32(truncatingIfNeeded: value))
    case 16: self.init(v6High: UInt64(truncatingIfNeeded: value >> 64), low: UInt64(truncatingIfNeeded: value))
    default: return nil
    }
  }

  /// The number of bits in an address of this family: 32 or 128.
  public var bitWidth: Int { family == .v4 ? 32 : 128 }

  /// `0.0.0.0` or `::`, which stands for every address of its family.
  public var isUnspecified: Bool { high == 0 && low == 0 }

  /// Whether it is of the machine itself, whatever its interfaces: 127.0.0.0/8 or ::1.
  public var isLoopback: Bool { family == .v4 ? low >> 24 == 127 : high == 0 && low == 1 }

  /// Appends the address as in a packet: 4 or 16 bytes, network byte order.
  public func writeBytes(into sink: inout some ByteSink & ~Copyable) {
    if family == .v4 {
      sink.append(bigEndian: UInt32(truncatingIfNeeded: low))
    } else {
      sink.append(bigEndian: high)
      sink.append(bigEndian: low)
    }
  }

  /// The address with all bits after the first `v4Prefix` (`0 ≤ v4Prefix ≤ 32`) or `v6Prefix` (`0 ≤ v6Prefix ≤ 128`)
  /// bits cleared: the network that counts as one client.
  public func masked(v4Prefix: Int, v6Prefix: Int) -> IPAddress {
    precondition(0...32 ~= v4Prefix && 0...128 ~= v6Prefix, "prefix length outside the address")
    // The smart shift clears everything when the prefix is empty.
    if family == .v4 { return IPAddress(v4: UInt32(truncatingIfNeeded: low) & ~(UInt32.max >> UInt32(v4Prefix))) }
    return IPAddress(
      family: .v6,
      high: high & ~(v6Prefix >= 64 ? 0 : UInt64.max >> UInt64(v6Prefix)),
      low: low & ~(UInt64.max >> UInt64(max(0, v6Prefix - 64))))
  }
}
