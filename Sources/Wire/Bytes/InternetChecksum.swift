/// The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit big-endian words. Bytes
/// may be added in pieces; only the last piece may have an odd count, and is then padded with a zero.
public struct InternetChecksum: Sendable {
  private var sum: UInt64 = 0

  public init() {}

  /// Adds bytes that start at an even offset.
  public mutating func add(_ bytes: Span<UInt8>) {
    var index = 0
    while index + 1 < bytes.count {
      sum += UInt64(bytes[index]) << 8 | UInt64(bytes[index + 1])
      index += 2
    }
    if index < bytes.count { sum += UInt64(bytes[index]) << 8 }
  }

  /// Adds one word.
  public mutating func add(_ word: UInt16) { sum += UInt64(word) }

  /// Adds an IP address as in a packet.
  public mutating func add(_ address: IPAddress) {
    for half in [address.high, address.low] {
      sum += (half >> 48) + (half >> 32 & 0xffff) + (half >> 16 & 0xffff) + (half & 0xffff)
    }
  }

  /// Adds the pseudo-header of a transport over IPv4 (RFC 9293 §3.1) or IPv6 (RFC 8200 §8.1). The two differ in the
  /// widths of length and protocol, and have the same sum.
  public mutating func addPseudoHeader(
    source: IPAddress, destination: IPAddress, protocolNumber: UInt8, length: UInt32
  ) {
    add(source)
    add(destination)
    sum += UInt64(length >> 16) + UInt64(length & 0xffff) + UInt64(protocolNumber)
  }

  /// The content of the checksum field, if the field was summed as zero. Zero, if the field was included and is
  /// correct.
  public var value: UInt16 {
    var folded = sum
    while folded >> 16 != 0 { folded = (folded & 0xffff) + folded >> 16 }
    return ~UInt16(truncatingIfNeeded: folded)
  }
}
