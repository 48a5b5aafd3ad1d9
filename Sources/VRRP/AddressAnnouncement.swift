import Wire

/// Frames that tell a network where an address is now, so that neighbours and switches find it there, and the reading
/// of such frames of others.
///
/// Gratuitous ARP (RFC 5227 §3, RFC 9568 §8.1.2), behind an Ethernet header to everybody:
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+-------------------------------+
///     |  Hardware: 1, Ethernet        |  Protocol: 0x0800             |
///     +---------------+---------------+-------------------------------+
///     |  6            |  4            |  Operation: 1, request        |
///     +---------------+---------------+-------------------------------+
///     |  Sender's hardware address, 6 bytes; the address, 4 bytes     |
///     +---------------------------------------------------------------+
///     |  Zero, 6 bytes; the address, 4 bytes                          |
///     +---------------------------------------------------------------+
///
/// Unsolicited neighbour advertisement (RFC 4861 §4.4, RFC 9568 §8.2.2), behind Ethernet and IPv6 headers to every
/// node:
///
///     +---------------+---------------+-------------------------------+
///     |  Type: 136    |  0            |  Checksum                     |
///     +-+-+-+---------+---------------+-------------------------------+
///     |0|0|1|  0                                                      |
///     +-+-+-+---------------------------------------------------------+
///     |  The address, 16 bytes                                        |
///     +---------------+---------------+-------------------------------+
///     |  Option: 2    |  1            |  Hardware address, 6 bytes    |
///     +---------------+---------------+-------------------------------+
package enum AddressAnnouncement {
  private static let ethernetForIPv4: [UInt8] = [0x08, 0x00]
  private static let ethernetForIPv6: UInt16 = 0x86dd
  private static let ethernetForARP: UInt16 = 0x0806
  private static let icmp6: UInt8 = 58
  private static let neighbourAdvertisement: UInt8 = 136
  private static let targetLinkLayerOption: UInt8 = 2

  /// The frame that announces `address` at a hardware address of six bytes.
  package static func frame(_ address: IPAddress, at hardwareAddress: [UInt8]) -> [UInt8] {
    precondition(hardwareAddress.count == 6, "an Ethernet address has six bytes")
    return address.family == .v4 ? arp(address, hardwareAddress) : neighbour(address, hardwareAddress)
  }

  /// Who claims which address, by an ARP frame with its Ethernet header; nil when it is none, or none of Ethernet and
  /// IPv4. A request claims its sender's address as much as an answer does.
  package static func claim(arp frame: Span<UInt8>) -> (address: IPAddress, hardwareAddress: [UInt8])? {
    guard frame.count >= 42, frame[12] == 0x08, frame[13] == 0x06 else { return nil }
    let fixed: [UInt8] = [0, 1, 0x08, 0x00, 6, 4]
    for index in fixed.indices where frame[14 + index] != fixed[index] { return nil }
    guard let address = IPAddress(bytes: frame.extracting(28..<32)) else { return nil }
    return (address, (22..<28).map { frame[$0] })
  }

  /// Who claims which address, by the bytes of an ICMPv6 message; nil when it is no neighbour advertisement with a
  /// hardware address.
  package static func claim(
    neighbourAdvertisement bytes: Span<UInt8>
  ) -> (address: IPAddress, hardwareAddress: [UInt8])? {
    guard bytes.count >= 24, bytes[0] == neighbourAdvertisement else { return nil }
    guard let address = IPAddress(bytes: bytes.extracting(8..<24)) else { return nil }
    var position = 24
    while position + 8 <= bytes.count {
      let length = Int(bytes[position + 1]) * 8
      guard length > 0, position + length <= bytes.count else { return nil }
      if bytes[position] == targetLinkLayerOption, length == 8 {
        return (address, (position + 2..<position + 8).map { bytes[$0] })
      }
      position += length
    }
    return nil
  }

  private static func arp(_ address: IPAddress, _ hardwareAddress: [UInt8]) -> [UInt8] {
    var writer = ByteWriter(limit: 42)
    writer.append([UInt8](repeating: 0xff, count: 6).span)
    writer.append(hardwareAddress.span)
    writer.append(bigEndian: ethernetForARP)
    writer.append(bigEndian: UInt16(1))
    writer.append(ethernetForIPv4.span)
    writer.append([6, 4, 0, 1].span)
    writer.append(hardwareAddress.span)
    address.writeBytes(into: &writer)
    writer.append([UInt8](repeating: 0, count: 6).span)
    address.writeBytes(into: &writer)
    return writer.bytes
  }

  private static func neighbour(_ address: IPAddress, _ hardwareAddress: [UInt8]) -> [UInt8] {
    let everybody = IPAddress(v6High: 0xff02 << 48, low: 1)
    var message = ByteWriter(limit: 32)
    message.append([neighbourAdvertisement, 0, 0, 0, 0x20, 0, 0, 0].span)
    address.writeBytes(into: &message)
    message.append([targetLinkLayerOption, 1].span)
    message.append(hardwareAddress.span)
    var sum = InternetChecksum()
    sum.add(message.bytes.span)
    sum.addPseudoHeader(source: address, destination: everybody, protocolNumber: icmp6, length: 32)

    var writer = ByteWriter(limit: 14 + 40 + 32)
    // RFC 2464 §7: the hardware address of a group.
    writer.append([0x33, 0x33, 0, 0, 0, 1].span)
    writer.append(hardwareAddress.span)
    writer.append(bigEndian: ethernetForIPv6)
    writer.append([0x60, 0, 0, 0, 0, 32, icmp6, 255].span)
    address.writeBytes(into: &writer)
    everybody.writeBytes(into: &writer)
    var bytes = message.bytes
    bytes[2] = UInt8(sum.value >> 8)
    bytes[3] = UInt8(sum.value & 0xff)
    writer.append(bytes.span)
    return writer.bytes
  }
}
