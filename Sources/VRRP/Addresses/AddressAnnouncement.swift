import Wire

/// Encodes and decodes the frames that announce an address on a link, from which neighbours and switches learn where
/// the address is.
///
/// Gratuitous ARP (RFC 5227 §3, RFC 9568 §8.1.2), after an Ethernet header, to the broadcast address:
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-------------------------------+-------------------------------+
///     |  Hardware: 1, Ethernet        |  Protocol: 0x0800             |
///     +---------------+---------------+-------------------------------+
///     |  6            |  4            |  Operation: 1 or 2            |
///     +---------------+---------------+-------------------------------+
///     |  Sender's hardware address, 6 bytes; the address, 4 bytes     |
///     +---------------------------------------------------------------+
///     |  Zero or the hardware address, 6 bytes; the address, 4 bytes  |
///     +---------------------------------------------------------------+
///
/// It is sent first as a request (RFC 9568) and then as a reply, because some devices learn only from replies.
///
/// Unsolicited neighbour advertisement (RFC 4861 §4.4, RFC 9568 §8.2.2), after Ethernet and IPv6 headers, to the
/// all-nodes group:
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
  private static let neighbourSolicitation: UInt8 = 135
  private static let neighbourAdvertisement: UInt8 = 136
  private static let sourceLinkLayerOption: UInt8 = 1
  private static let targetLinkLayerOption: UInt8 = 2

  /// An address and the hardware address that claims it, as received from the link.
  package struct Sighting: Hashable, Sendable {
    package let claim: AddressClaim
    package let address: IPAddress
    package let hardwareAddress: [UInt8]
  }

  /// The frames that announce `address` at a hardware address of six bytes, in sending order.
  package static func frames(_ address: IPAddress, at hardwareAddress: [UInt8]) -> [[UInt8]] {
    precondition(hardwareAddress.count == 6, "an Ethernet address has six bytes")
    guard address.family == .v4 else { return [neighbour(address, hardwareAddress)] }
    return [arp(address, hardwareAddress), arp(address, hardwareAddress, isAnswer: true)]
  }

  /// A frame that asks which host has `address` without updating any neighbour's table. An ARP probe has no sender
  /// address (RFC 5227 §2.1.1). Over IPv6 the source is `source`, an address that stays on this node: the reply is then
  /// unicast to it, whereas a solicitation from the unspecified address is answered to the all-nodes group (RFC 4861
  /// §7.2.4) and the answer would look like an announcement.
  package static func probe(_ address: IPAddress, from hardwareAddress: [UInt8], _ source: IPAddress) -> [UInt8] {
    precondition(hardwareAddress.count == 6, "an Ethernet address has six bytes")
    return address.family == .v4 ? arpProbe(address, hardwareAddress) : solicitation(address, hardwareAddress, source)
  }

  /// Decodes an ARP frame with its Ethernet header. Nil when it is not ARP for Ethernet and IPv4. Requests and replies
  /// both contain the sender's address.
  package static func sighting(arp frame: Span<UInt8>) -> Sighting? {
    guard frame.count >= 42, frame[12] == 0x08, frame[13] == 0x06 else { return nil }
    let fixed: [UInt8] = [0, 1, 0x08, 0x00, 6, 4]
    for index in fixed.indices where frame[14 + index] != fixed[index] { return nil }
    guard let address = IPAddress(bytes: frame.extracting(28..<32)),
      let target = IPAddress(bytes: frame.extracting(38..<42))
    else { return nil }
    let isAnswer = frame[20] == 0 && frame[21] == 2
    let hardwareAddress = (22..<28).map { frame[$0] }
    if address == IPAddress(v4: 0), !isAnswer {
      return Sighting(claim: .sought, address: target, hardwareAddress: hardwareAddress)
    }
    let claim: AddressClaim =
      target == address ? .announced : isAnswer && target == IPAddress(v4: 0) ? .answered : .used
    return Sighting(claim: claim, address: address, hardwareAddress: hardwareAddress)
  }

  /// Decodes an ICMPv6 message. Nil when it is not a neighbour advertisement with a hardware address. A solicited
  /// advertisement answers this node's kernel or our probe; an unsolicited one is sent to all nodes (RFC 4861 §4.4).
  package static func sighting(neighbourAdvertisement bytes: Span<UInt8>) -> Sighting? {
    guard bytes.count >= 24, bytes[0] == neighbourAdvertisement else { return nil }
    guard let address = IPAddress(bytes: bytes.extracting(8..<24)) else { return nil }
    var position = 24
    while position + 8 <= bytes.count {
      let length = Int(bytes[position + 1]) * 8
      guard length > 0, position + length <= bytes.count else { return nil }
      if bytes[position] == targetLinkLayerOption, length == 8 {
        let isSolicited = bytes[4] & 0x40 != 0
        return Sighting(
          claim: isSolicited ? .answered : .announced, address: address,
          hardwareAddress: (position + 2..<position + 8).map { bytes[$0] })
      }
      position += length
    }
    return nil
  }

  private static let noTarget = [UInt8](repeating: 0, count: 6)

  private static func arp(_ address: IPAddress, _ hardwareAddress: [UInt8], isAnswer: Bool = false) -> [UInt8] {
    arp(
      operation: isAnswer ? 2 : 1, hardwareAddress, address, target: isAnswer ? hardwareAddress : noTarget, address)
  }

  private static func arpProbe(_ address: IPAddress, _ hardwareAddress: [UInt8]) -> [UInt8] {
    arp(operation: 1, hardwareAddress, IPAddress(v4: 0), target: noTarget, address)
  }

  private static func arp(
    operation: UInt8, _ sender: [UInt8], _ senderAddress: IPAddress, target: [UInt8], _ targetAddress: IPAddress
  ) -> [UInt8] {
    var writer = ByteWriter(limit: 42)
    writer.append([UInt8](repeating: 0xff, count: 6).span)
    writer.append(sender.span)
    writer.append(bigEndian: ethernetForARP)
    writer.append(bigEndian: UInt16(1))
    writer.append(ethernetForIPv4.span)
    writer.append([6, 4, 0, operation].span)
    writer.append(sender.span)
    senderAddress.writeBytes(into: &writer)
    writer.append(target.span)
    targetAddress.writeBytes(into: &writer)
    return writer.bytes
  }

  private static func neighbour(_ address: IPAddress, _ hardwareAddress: [UInt8]) -> [UInt8] {
    let allNodes = IPAddress(v6High: 0xff02 << 48, low: 1)
    let message = neighbourMessage(neighbourAdvertisement, 0x20, address, targetLinkLayerOption, hardwareAddress)
    return icmp6(message, from: address, hardwareAddress, to: allNodes)
  }

  /// A neighbour solicitation to the address's solicited-node group (RFC 4291 §2.7.1, RFC 4861 §4.3).
  private static func solicitation(
    _ address: IPAddress, _ hardwareAddress: [UInt8], _ source: IPAddress
  ) -> [UInt8] {
    let group = IPAddress(v6High: 0xff02 << 48, low: 0x1_ff00_0000 | address.low & 0xff_ffff)
    let message = neighbourMessage(neighbourSolicitation, 0, address, sourceLinkLayerOption, hardwareAddress)
    return icmp6(message, from: source, hardwareAddress, to: group)
  }

  /// An advertisement or a solicitation about an address, with one option (RFC 4861 §4.3, §4.4).
  private static func neighbourMessage(
    _ type: UInt8, _ flags: UInt8, _ address: IPAddress, _ option: UInt8, _ hardwareAddress: [UInt8]
  ) -> [UInt8] {
    var message = ByteWriter(limit: 32)
    message.append([type, 0, 0, 0, flags, 0, 0, 0].span)
    address.writeBytes(into: &message)
    message.append([option, 1].span)
    message.append(hardwareAddress.span)
    return message.bytes
  }

  /// An ICMPv6 message to a group after Ethernet and IPv6 headers, with the checksum filled in.
  private static func icmp6(
    _ message: [UInt8], from source: IPAddress, _ hardwareAddress: [UInt8], to group: IPAddress
  ) -> [UInt8] {
    var sum = InternetChecksum()
    sum.add(message.span)
    sum.addPseudoHeader(
      source: source, destination: group, protocolNumber: icmp6, length: UInt32(message.count))
    var writer = ByteWriter(limit: 14 + 40 + message.count)
    // RFC 2464 §7: a group's hardware address is 33:33 and the last four bytes of the group's address.
    writer.append([0x33, 0x33].span)
    writer.append(bigEndian: UInt32(truncatingIfNeeded: group.low))
    writer.append(hardwareAddress.span)
    writer.append(bigEndian: ethernetForIPv6)
    writer.append([0x60, 0, 0, 0, 0, UInt8(message.count), icmp6, 255].span)
    source.writeBytes(into: &writer)
    group.writeBytes(into: &writer)
    var bytes = message
    bytes[2] = UInt8(sum.value >> 8)
    bytes[3] = UInt8(sum.value & 0xff)
    writer.append(bytes.span)
    return writer.bytes
  }
}
