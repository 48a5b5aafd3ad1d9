import Domain
import VRRP
import Wire

/// Properties of any packet of protocol 112: it is rejected and counted, or it is the encoding of an
/// advertisement; and the state machine handles any content, as Backup and as Active.
///
/// The first byte selects how it was received, the rest follows the IP header.
package enum AdvertisementProperties {
  /// The meaning of the bits of the first byte.
  private struct Reception {
    let isVersion2, isIPv6, hasPseudoHeader, hasText, isKeyed, isUnicast, isFromRouter, isSealed: Bool

    init(_ byte: UInt8) {
      func bit(_ index: UInt8) -> Bool { byte >> index & 1 == 1 }
      (isVersion2, isIPv6, hasPseudoHeader, hasText) = (bit(0), bit(1) && !bit(0), bit(2), bit(3))
      (isKeyed, isUnicast, isFromRouter, isSealed) = (bit(4), bit(5), bit(6), bit(7))
    }

    var source: IPAddress {
      isIPv6 ? IPAddress(v6High: 0xfe80 << 48, low: 2) : IPAddress(v4: 0xc000_0202)
    }

    var destination: IPAddress { Advertisement.multicastGroup(source.family) }

    var settings: VirtualRouterSettings {
      let address = isIPv6 ? IPAddress(v6High: 0xfe80 << 48, low: 0x170) : IPAddress(v4: 0xc000_0264)
      var settings = VirtualRouterSettings(
        identifier: 51, priority: 100, addresses: [VirtualAddress(address: address, prefixLength: 24)])
      settings.version = isVersion2 ? .v2 : .v3
      settings.checksum = hasPseudoHeader ? .pseudoHeader : .message
      settings.peers = isUnicast ? [source] : nil
      return settings
    }

    func channel(isKeyed: Bool) -> AdvertisementChannel {
      let key = KeyedAuthentication.Key(identifier: 1, bytes: Array(0..<32))
      return AdvertisementChannel(
        settings, authentication: hasText ? .simpleText(Array("secret".utf8)) : .none,
        keyed: isKeyed ? KeyedAuthentication.Settings(mode: .permissive, keys: [key], window: nil) : nil,
        digest: { _, _ in [UInt8](repeating: 0, count: 32) })
    }
  }

  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let reception = Reception(bytes.first ?? 0)
    var payload = Array(bytes.dropFirst())
    // A fuzzer does not find a checksum: it is corrected to reach the rest.
    if reception.isSealed { seal(&payload, reception) }
    let (accepted, answer) = try receive(payload, reception)
    guard let accepted else { return }
    try require(1...255 ~= accepted.addresses.count, "\(accepted.addresses.count) addresses")
    try require(accepted.intervalCentiseconds > 0, "an interval of zero")
    try require(!accepted.interval.text.isEmpty && answer == 1, "not counted once")
    try requireSameBytes(accepted, payload, reception)
    try requireStandsIt(accepted, reception)
  }

  private static func receive(
    _ payload: [UInt8], _ reception: Reception
  ) throws(Violation) -> (advertisement: Advertisement?, received: UInt64) {
    var channel = reception.channel(isKeyed: reception.isKeyed)
    let packet = ReceivedPacket(
      source: reception.source, destination: reception.destination, hopLimit: reception.isFromRouter ? 254 : 255,
      payload: payload.span)
    do throws(AdvertisementRejection) {
      return (try channel.decode(packet, at: WallTime(nanoseconds: 0)), channel.received)
    } catch {
      try require(channel.rejected.nonZero.map(\.kind) == [error.kind], "\(error.kind) is not what was counted")
      try require(channel.received == 0, "counted as received as well")
      try require(!error.description.isEmpty, "no reason")
      return (nil, 0)
    }
  }

  /// The encoding, except for the fields that receivers ignore (RFC 9568 §5.2.6: four reserved bits; RFC 3768 §5.3.10:
  /// authentication data), and the trailer.
  private static func requireSameBytes(
    _ advertisement: Advertisement, _ payload: [UInt8], _ reception: Reception
  ) throws(Violation) {
    var channel = reception.channel(isKeyed: false)
    let family = reception.source.family
    // An owner may advertise what it likes, an IPv4 address written as IPv6 too.
    guard advertisement.addresses.allSatisfy({ $0.family == family }) else { return }
    let written = channel.encode(
      advertisement, from: reception.source, to: reception.destination, at: WallTime(nanoseconds: 0))
    try require(written.count <= payload.count, "\(written.count) bytes of \(payload.count)")
    let ignored: Set<Int> = reception.isVersion2 ? [6, 7] : [4, 6, 7]
    let end = reception.isVersion2 && !reception.hasText ? written.count - 8 : written.count
    for index in 0..<end where !ignored.contains(index) {
      try require(written[index] == payload[index], "byte \(index) is written otherwise")
    }
    if !reception.isVersion2 { try require(written[4] == payload[4] & 0xf, "the interval is written otherwise") }
  }

  /// As Backup, as Active, and during a handover.
  private static func requireStandsIt(_ advertisement: Advertisement, _ reception: Reception) throws(Violation) {
    for beginning in 0...2 {
      var router = VirtualRouter(reception.settings)
      var now = Instant(nanoseconds: 0)
      for event in [.source(reception.source), .start] as [VirtualRouter.Event] { _ = router.handle(event, at: now) }
      if beginning > 0 {
        now = router.deadline ?? now
        _ = router.handle(.timer, at: now)
      }
      if beginning == 2 { _ = router.handle(.stop, at: now) }
      var effects: [VirtualRouter.Effect] = []
      for _ in 0..<3 {
        effects += router.handle(.advertisement(advertisement, from: reception.source), at: now)
        if let deadline = router.deadline {
          try require(deadline >= now, "a deadline in the past")
          now = deadline
        }
        effects += router.handle(.timer, at: now)
      }
      try require(router.role != .active || router.holdsAddresses, "Active without the address")
      try require(effects.count < 60, "\(effects.count) effects of three advertisements")
    }
  }

  /// Sets the checksum (RFC 1071), computed independently.
  private static func seal(_ payload: inout [UInt8], _ reception: Reception) {
    guard payload.count >= 8 else { return }
    payload[6] = 0
    payload[7] = 0
    let message = 8 + Int(payload[3]) * 4 + (reception.isVersion2 ? 8 : 0)
    let summed = reception.isIPv6 ? payload.count : min(message, payload.count)
    var words = payload.prefix(summed) + (summed % 2 == 0 ? [] : [0])
    if reception.isIPv6 || (reception.hasPseudoHeader && !reception.isVersion2) {
      var pseudo = ByteWriter(limit: 40)
      reception.source.writeBytes(into: &pseudo)
      reception.destination.writeBytes(into: &pseudo)
      pseudo.append(bigEndian: UInt16(summed))
      pseudo.append(bigEndian: UInt16(112))
      words = pseudo.bytes + words
    }
    var sum: UInt32 = 0
    for index in stride(from: 0, to: words.count, by: 2) {
      sum += UInt32(words[index]) << 8 | UInt32(words[index + 1])
      sum = sum & 0xffff + sum >> 16
    }
    let value = ~UInt16(truncatingIfNeeded: sum)
    payload[6] = UInt8(value >> 8)
    payload[7] = UInt8(value & 0xff)
  }
}
