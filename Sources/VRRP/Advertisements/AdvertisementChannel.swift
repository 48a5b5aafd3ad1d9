import Domain
import Wire

/// Encodes and decodes the advertisements of one virtual router. Rejected packets are counted by reason.
///
/// The caller owns the socket. For each `VirtualRouter.Effect.send` it calls `encode` once per destination. For each
/// packet of protocol 112 that the interface receives from another node, it calls `decode` and passes the result to
/// `VirtualRouter.handle(.advertisement)`.
package struct AdvertisementChannel: Sendable {
  package let settings: VirtualRouterSettings
  private let authentication: AdvertisementCodec.SimpleAuthentication
  /// Advertisements encoded, one per destination.
  package private(set) var sent: UInt64 = 0
  /// Advertisements accepted.
  package private(set) var received: UInt64 = 0
  package private(set) var rejected = RejectionCounts()
  private var keyed: KeyedAuthentication?

  /// `authentication` is for version 2. Without `keyed`, trailers are neither sent nor accepted; `digest` is the
  /// HMAC-SHA256 for keyed trailers.
  package init(
    _ settings: VirtualRouterSettings, authentication: AdvertisementCodec.SimpleAuthentication = .none,
    keyed: KeyedAuthentication.Settings? = nil, digest: @escaping KeyedAuthentication.Digest
  ) {
    self.settings = settings
    self.authentication = authentication
    self.keyed = keyed.map { KeyedAuthentication($0, digest: digest) }
  }

  /// The destinations of advertisements: each unicast peer, or the multicast group of the family.
  package var destinations: [IPAddress] {
    settings.peers ?? settings.addresses.prefix(1).map { Advertisement.multicastGroup($0.address.family) }
  }

  /// The payload of a packet with IP protocol 112 and TTL 255.
  package mutating func encode(
    _ advertisement: Advertisement, from source: IPAddress, to destination: IPAddress, at time: WallTime
  ) -> [UInt8] {
    let message = AdvertisementCodec.message(advertisement, authentication: authentication)
    let trailer = keyed?.sign(message, from: source, at: time) ?? []
    sent += 1
    return AdvertisementCodec.seal(
      message, trailer: trailer, version: advertisement.version, from: source, to: destination,
      checksum: settings.checksum)
  }

  /// The advertisement in a packet, or the reason to reject it. Both are counted.
  ///
  /// The checks are, in order: the packet, the sender, the authentication, and then the content (RFC 9568 §7.1).
  package mutating func decode(
    _ packet: borrowing ReceivedPacket, at time: WallTime
  ) throws(AdvertisementRejection) -> Advertisement {
    do throws(AdvertisementRejection) {
      let advertisement = try check(packet, at: time)
      received += 1
      return advertisement
    } catch {
      rejected.count(error.kind)
      throw error
    }
  }

  private mutating func check(
    _ packet: borrowing ReceivedPacket, at time: WallTime
  ) throws(AdvertisementRejection) -> Advertisement {
    let parts: AdvertisementCodec.Parts
    do throws(AdvertisementRejection) {
      parts = try AdvertisementCodec.decode(packet, checksum: settings.checksum)
    } catch {
      // The form of another virtual router's packets is not checked.
      let identifier = AdvertisementCodec.virtualRouter(in: packet.payload)
      guard let identifier, identifier != settings.identifier else { throw error }
      throw .virtualRouter(identifier)
    }
    let advertisement = parts.advertisement
    guard advertisement.virtualRouter == settings.identifier else {
      throw .virtualRouter(advertisement.virtualRouter)
    }
    guard advertisement.version == settings.version else { throw .version(advertisement.version.number) }
    try checkWay(packet)
    try authenticate(parts, packet, at: time)
    let isSameInterval = advertisement.intervalCentiseconds == settings.intervalCentiseconds
    guard advertisement.intervalCentiseconds > 0, settings.version == .v3 || isSameInterval else {
      throw .interval(centiseconds: advertisement.intervalCentiseconds)
    }
    // Version 2 drops such an advertisement unless an owner sent it (RFC 3768 §7.1). Version 3 only logs it (RFC 9568
    // §7.1): the sender is Active all the same, and two nodes that drop each other's advertisements would both be
    // Active.
    guard settings.version == .v3 || advertisement.priority == 255 || isAboutOurs(advertisement) else {
      throw .addresses(advertisement.addresses)
    }
    return advertisement
  }

  /// Whether an advertisement lists the addresses that are configured here, in any order.
  package func isAboutOurs(_ advertisement: Advertisement) -> Bool {
    Set(advertisement.addresses) == Set(settings.ipAddresses)
  }

  /// Checks source and destination. A virtual address is not a valid source, and IPv6 advertisements are sent between
  /// link-local addresses (RFC 9568 §5.1.2.1) unless `peers` contains others. With multicast, packets to any other
  /// destination are rejected (§5.1.1.2, §5.1.2.2).
  private func checkWay(_ packet: borrowing ReceivedPacket) throws(AdvertisementRejection) {
    guard !settings.ipAddresses.contains(packet.source) else { throw .source(packet.source) }
    if let peers = settings.peers {
      guard peers.contains(packet.source) else { throw .peer(packet.source) }
      return
    }
    guard packet.source.family == .v4 || packet.source.isLinkLocal else { throw .source(packet.source) }
    guard packet.destination == Advertisement.multicastGroup(packet.source.family) else {
      throw .destination(packet.destination)
    }
  }

  private mutating func authenticate(
    _ parts: AdvertisementCodec.Parts, _ packet: borrowing ReceivedPacket, at time: WallTime
  ) throws(AdvertisementRejection) {
    let payload = packet.payload
    if let type = parts.authenticationType {
      guard type == authentication.type else { throw .authenticationType(type) }
      // Type 0 has data of zeros, which receivers ignore (RFC 3768 §5.3.10).
      if authentication != .none, parts.authenticationData != authentication.data {
        throw .simpleText
      }
    }
    guard keyed != nil else {
      guard payload.count == parts.bytes else { throw .length(found: payload.count, expected: parts.bytes) }
      return
    }
    let trailer = payload.extracting(parts.bytes..<payload.count)
    guard trailer.count == 0 || trailer.count == KeyedTrailer.bytes else {
      throw .length(found: payload.count, expected: parts.bytes + KeyedTrailer.bytes)
    }
    let message = (0..<parts.bytes).map { payload[$0] }
    try keyed?.verify(message, trailer: trailer, from: packet.source, at: time)
  }
}
