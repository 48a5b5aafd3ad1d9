import Domain
import Wire

/// Encodes and decodes advertisements, without a keyed trailer.
///
/// Version 3 (RFC 9568 §5.2):
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------+-------+---------------+---------------+---------------+
///     |  3    | 1     |  VRID         |  Priority     | Address count |
///     +-------+-------+---------------+---------------+---------------+
///     |  0    | Max Advertise Interval|  Checksum                     |
///     +-------+-----------------------+-------------------------------+
///     |  Addresses: 4 bytes each, or 16 each                          |
///     +---------------------------------------------------------------+
///
/// Version 2 (RFC 3768 §5.1, authentication data of RFC 2338 §5.3.10):
///
///     +-------+-------+---------------+---------------+---------------+
///     |  2    | 1     |  VRID         |  Priority     | Address count |
///     +-------+-------+---------------+---------------+---------------+
///     |  Auth type    |  Interval (s) |  Checksum                     |
///     +---------------+---------------+-------------------------------+
///     |  Addresses, 4 bytes each                                      |
///     +---------------------------------------------------------------+
///     |  Authentication data, 8 bytes                                 |
///     +---------------------------------------------------------------+
package enum AdvertisementCodec {
  /// The authentication of version 2 (RFC 2338 §5.3.6). It protects from misconfiguration only: a host that can read
  /// one packet can send the next.
  package enum SimpleAuthentication: Hashable, Sendable {
    /// Type 0, eight zero bytes.
    case none
    /// Type 1: a text of at most eight bytes, in the clear.
    case simpleText([UInt8])

    var type: UInt8 { self == .none ? 0 : 1 }

    /// Eight bytes, padded with zeros.
    var data: [UInt8] {
      let text = if case .simpleText(let bytes) = self { bytes.prefix(dataBytes) } else { [UInt8]().prefix(0) }
      return text + [UInt8](repeating: 0, count: dataBytes - text.count)
    }
  }

  /// The fields of a packet whose checksum is valid.
  package struct Parts: Hashable, Sendable {
    package var advertisement: Advertisement
    /// Version 2 only.
    package var authenticationType: UInt8?
    package var authenticationData: [UInt8]
    /// The length of the advertisement in bytes; a trailer may follow.
    package var bytes: Int
  }

  static let headerBytes = 8
  static let dataBytes = 8
  static let checksumOffset = 6
  private static let advertisementType: UInt8 = 1
  /// The interval field of version 3 has 12 bits.
  package static let longestInterval: UInt16 = 0x0fff

  /// The bytes of an advertisement with a checksum of zero.
  ///
  /// - Precondition: `addresses` are 1 to 255 of one family, IPv4 for version 2.
  static func message(_ advertisement: Advertisement, authentication: SimpleAuthentication) -> [UInt8] {
    precondition(1...255 ~= advertisement.addresses.count, "an advertisement has 1 to 255 addresses")
    var bytes: [UInt8] = [
      advertisement.version.number << 4 | advertisementType, advertisement.virtualRouter, advertisement.priority,
      UInt8(truncatingIfNeeded: advertisement.addresses.count),
    ]
    switch advertisement.version {
    case .v2: bytes += [authentication.type, UInt8(clamping: advertisement.intervalCentiseconds / 100)]
    case .v3:
      let interval = min(advertisement.intervalCentiseconds, longestInterval)
      bytes += [UInt8(interval >> 8), UInt8(interval & 0xff)]
    }
    bytes += [0, 0]
    var addresses = ByteWriter(limit: 255 * 16)
    for address in advertisement.addresses { address.writeBytes(into: &addresses) }
    bytes += addresses.bytes
    if advertisement.version == .v2 { bytes += authentication.data }
    return bytes
  }

  /// A message and its trailer, with the checksum filled in.
  static func seal(
    _ message: [UInt8], trailer: [UInt8], version: VRRPVersion, from source: IPAddress,
    to destination: IPAddress, checksum convention: VRRPChecksum
  ) -> [UInt8] {
    var bytes = message + trailer
    let sum = checksum(
      of: bytes.span, messageBytes: message.count, version: version, source: source, destination: destination,
      convention: convention)
    bytes[checksumOffset] = UInt8(sum >> 8)
    bytes[checksumOffset + 1] = UInt8(sum & 0xff)
    return bytes
  }

  /// Decodes an advertisement and verifies its checksum. Its content is not compared with a virtual router's settings.
  package static func decode(
    _ packet: borrowing ReceivedPacket, checksum convention: VRRPChecksum
  ) throws(AdvertisementRejection) -> Parts {
    guard packet.hopLimit == Advertisement.hopLimit else { throw .hopLimit(packet.hopLimit) }
    let payload = packet.payload
    guard payload.count >= headerBytes else { throw .length(found: payload.count, expected: headerBytes) }
    guard let version = VRRPVersion(rawValue: "\(payload[0] >> 4)") else { throw .version(payload[0] >> 4) }
    guard payload[0] & 0xf == advertisementType else { throw .type(payload[0] & 0xf) }
    let family = packet.source.family
    guard version == .v3 || family == .v4 else { throw .version(version.number) }
    let count = Int(payload[3])
    let each = family == .v4 ? 4 : 16
    let bytes = headerBytes + count * each + (version == .v2 ? dataBytes : 0)
    guard count > 0, payload.count >= bytes else { throw .length(found: payload.count, expected: bytes) }

    func isGood(_ convention: VRRPChecksum) -> Bool {
      checksum(
        of: payload, messageBytes: bytes, version: version, source: packet.source, destination: packet.destination,
        convention: convention) == 0
    }
    guard isGood(convention) else {
      throw .checksum(
        otherConvention: version == .v3 && family == .v4 && isGood(convention == .message ? .pseudoHeader : .message))
    }

    let interval = version == .v2 ? UInt16(payload[5]) * 100 : UInt16(payload[4] & 0xf) << 8 | UInt16(payload[5])
    let addresses = (0..<count).compactMap { index in
      let start = headerBytes + index * each
      return IPAddress(bytes: payload.extracting(start..<start + each))
    }
    return Parts(
      advertisement: Advertisement(
        version: version, virtualRouter: payload[1], priority: payload[2], intervalCentiseconds: interval,
        addresses: addresses),
      authenticationType: version == .v2 ? payload[4] : nil,
      authenticationData: version == .v2 ? (bytes - dataBytes..<bytes).map { payload[$0] } : [], bytes: bytes)
  }

  /// The VRID, which both versions have at the same offset; nil when the packet is too short or has an unknown version.
  static func virtualRouter(in payload: Span<UInt8>) -> UInt8? {
    guard payload.count >= headerBytes, VRRPVersion(rawValue: "\(payload[0] >> 4)") != nil else { return nil }
    return payload[1]
  }

  /// The sum covers the message, and over IPv6 also the trailer, because the kernel treats both as one transport
  /// packet. The keyed trailer of an IPv4 advertisement has its own digest and is not included
  /// (draft-cassen-vrrp-auth-hmac).
  static func checksum(
    of bytes: Span<UInt8>, messageBytes: Int, version: VRRPVersion, source: IPAddress,
    destination: IPAddress, convention: VRRPChecksum
  ) -> UInt16 {
    var sum = InternetChecksum()
    let summed = source.family == .v6 ? bytes.count : messageBytes
    sum.add(bytes.extracting(0..<summed))
    if source.family == .v6 || (version == .v3 && convention == .pseudoHeader) {
      sum.addPseudoHeader(
        source: source, destination: destination, protocolNumber: Advertisement.protocolNumber,
        length: UInt32(truncatingIfNeeded: summed))
    }
    return sum.value
  }
}
