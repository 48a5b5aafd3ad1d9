import Wire

/// The trailer of a keyed advertisement (draft-cassen-vrrp-auth-hmac), 28 bytes:
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +---------------+---------------+-------------------------------+
///     |  Type: 1      |  Key id       |  0                            |
///     +---------------+---------------+-------------------------------+
///     |  Seconds since 1970, UTC                                      |
///     +-------------------------------+-------------------------------+
///     |  Fraction of the second, /2^16|  Counter                      |
///     +-------------------------------+-------------------------------+
///     |  HMAC-SHA256, its first 16 bytes                              |
///     +---------------------------------------------------------------+
///
/// Seconds, fraction and counter are one 64-bit number that grows with each packet of a sender.
struct KeyedTrailer: Hashable {
  var keyIdentifier: UInt8
  var sequence: AuthenticationSequence
  /// 16 bytes.
  var digest: [UInt8]

  static let bytes = 28
  static let digestBytes = 16
  /// HMAC-SHA256 truncated to 128 bits.
  private static let type: UInt8 = 1

  /// The bytes before the digest.
  var head: [UInt8] {
    var writer = ByteWriter(limit: Self.bytes - Self.digestBytes)
    writer.append(Self.type)
    writer.append(keyIdentifier)
    writer.append(bigEndian: UInt16(0))
    writer.append(bigEndian: sequence.number)
    return writer.bytes
  }

  var encoded: [UInt8] { head + digest }

  init(keyIdentifier: UInt8, sequence: AuthenticationSequence, digest: [UInt8] = []) {
    self.keyIdentifier = keyIdentifier
    self.sequence = sequence
    self.digest = digest
  }

  /// Nil unless the type is known, the reserved field is zero and the key identifier is not.
  init?(_ bytes: Span<UInt8>) {
    var reader = ByteReader(bytes)
    do throws(ByteReader.Failure) {
      let type = try reader.readUInt8()
      keyIdentifier = try reader.readUInt8()
      let reserved = try reader.readUInt16()
      sequence = AuthenticationSequence(number: try reader.readUInt64())
      digest = try reader.readArray(Self.digestBytes)
      try reader.expectEnd()
      guard type == Self.type, reserved == 0, keyIdentifier != 0 else { return nil }
    } catch {
      return nil
    }
  }

  /// The input of the digest: a pseudo-header of 20 bytes, the message with a checksum of zero, and this trailer with a
  /// digest of zero.
  ///
  ///     +---------------+---------------+---------------+---------------+
  ///     |  4 or 6       |  Version      |  VRID         |  0            |
  ///     +---------------+---------------+---------------+---------------+
  ///     |  Source, 16 bytes; an IPv4 address is in the first four       |
  ///     +---------------------------------------------------------------+
  func digestInput(message: [UInt8], source: IPAddress) -> [UInt8] {
    var input = ByteWriter(limit: 20)
    input.append(source.family.rawValue)
    input.append(message[0] >> 4)
    input.append(message[1])
    input.append(UInt8(0))
    source.writeBytes(into: &input)
    let header = input.bytes + [UInt8](repeating: 0, count: 20 - input.bytes.count)
    var plain = message
    plain[AdvertisementCodec.checksumOffset] = 0
    plain[AdvertisementCodec.checksumOffset + 1] = 0
    return header + plain + head + [UInt8](repeating: 0, count: Self.digestBytes)
  }
}

/// Time and counter of a keyed advertisement as one number, compared by serial number arithmetic (RFC 1982), which
/// continues after 32-bit seconds overflow in 2106.
package struct AuthenticationSequence: Hashable, Sendable {
  /// 32 bits of seconds since 1970, 16 bits of fraction, and a 16-bit counter of advertisements with the same time.
  package let number: UInt64

  package init(number: UInt64) { self.number = number }

  /// The first sequence at a time.
  package init(_ time: WallTime) {
    let fraction = UInt64(time.nanosecond) << 16 / 1_000_000_000
    self.init(number: UInt64(UInt32(truncatingIfNeeded: time.seconds)) << 32 | fraction << 16)
  }

  var next: AuthenticationSequence { AuthenticationSequence(number: number &+ 1) }

  func isAfter(_ other: AuthenticationSequence) -> Bool { Int64(bitPattern: number &- other.number) > 0 }

  /// The number of seconds by which this is ahead of a time; negative when behind it.
  func secondsAhead(of time: WallTime) -> Int {
    Int(Int32(bitPattern: UInt32(truncatingIfNeeded: number >> 32) &- UInt32(truncatingIfNeeded: time.seconds)))
  }
}
