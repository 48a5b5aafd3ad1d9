import Configuration
import Domain
import Linux
import VRRP
import Wire

/// The sockets of one virtual router on its interface. They are bound to the interface index: a recreated interface
/// with the same name is a different one.
final class RouterPort {
  /// The most packets read at once; the rest are read in the next turn.
  private static let batch = 64

  private(set) var interface: NetworkInterface
  private let advertisements: AdvertisementSocket
  private let frames: FrameSocket
  /// Receives claims of IPv4 addresses.
  private let arp: FrameSocket?
  /// Receives claims of IPv6 addresses.
  private let neighbours: NeighbourSocket?

  /// `index` is the virtual router's, for poller tokens.
  init(
    _ index: Int, _ settings: VirtualRouterSettings, on interface: NetworkInterface, poller: borrowing Poller
  ) throws(SystemError) {
    let family = settings.addresses[0].address.family
    let claimed = SupervisorToken(.claims, index: index).rawValue
    advertisements = try AdvertisementSocket(family, on: interface, joining: settings.peers == nil)
    frames = try FrameSocket(.sending, on: interface)
    switch family {
    case .v4:
      let socket = try FrameSocket(.arp, on: interface)
      try poller.watchLevel(socket.descriptor, token: claimed)
      arp = consume socket
      neighbours = nil
    case .v6:
      let socket = try NeighbourSocket(on: interface)
      try poller.watchLevel(socket.descriptor, token: claimed)
      neighbours = consume socket
      arp = nil
    }
    self.interface = interface
    try poller.watchLevel(advertisements.descriptor, token: SupervisorToken(.advertisements, index: index).rawValue)
  }

  /// Updates the interface's properties; false when it is not the interface that the sockets are bound to.
  func update(_ interface: NetworkInterface) -> Bool {
    guard interface.index == self.interface.index else { return false }
    self.interface = interface
    return true
  }

  func send(_ packet: [UInt8], from source: IPAddress, to destination: IPAddress) throws(SystemError) {
    try advertisements.send(packet.span, from: source, to: destination)
  }

  /// Announces an address. Does nothing on an interface without a hardware address.
  func announce(_ address: IPAddress) throws(SystemError) {
    guard interface.hardwareAddress.count == 6 else { return }
    for frame in AddressAnnouncement.frames(address, at: interface.hardwareAddress) { try frames.send(frame.span) }
  }

  /// Probes for the owner of an address; over IPv6 the reply goes to `source`.
  func probe(_ address: IPAddress, from source: IPAddress) throws(SystemError) {
    guard interface.hardwareAddress.count == 6 else { return }
    try frames.send(AddressAnnouncement.probe(address, from: interface.hardwareAddress, source).span)
  }

  /// The received packets.
  func receive() throws(SystemError) -> [AdvertisementSocket.Packet] {
    var packets: [AdvertisementSocket.Packet] = []
    while packets.count < Self.batch, let packet = try advertisements.receive() { packets.append(packet) }
    return packets
  }

  /// Claims of these addresses by other hosts, with the hardware address.
  func claims(of addresses: [IPAddress]) throws(SystemError) -> [(claim: AddressClaim, owner: String)] {
    var claims: [(claim: AddressClaim, owner: String)] = []
    for _ in 0..<Self.batch {
      let sighting: AddressAnnouncement.Sighting?
      if let frame = try arp?.receive() {
        sighting = AddressAnnouncement.sighting(arp: frame.span)
      } else if let message = try neighbours?.receive() {
        sighting = AddressAnnouncement.sighting(neighbourAdvertisement: message.span)
      } else {
        break
      }
      guard let sighting, addresses.contains(sighting.address) else { continue }
      guard sighting.hardwareAddress != interface.hardwareAddress else { continue }
      claims.append((sighting.claim, Hexadecimal.text(sighting.hardwareAddress, separator: ":")))
    }
    return claims
  }
}

extension RouterPlan {
  /// The source of advertisements among the interface's own addresses: the configured one, else the one that `peers`
  /// has for this node, else the first, which for IPv6 is link-local (RFC 9568 §5.1.2.1) unless the peers are not.
  func source(among own: [IPAddress]) -> IPAddress? {
    if let source = router.source { return own.contains(source) ? source : nil }
    let family = settings.addresses[0].address.family
    let candidates = own.filter { $0.family == family }
    if let named = candidates.first(where: { settings.peers?.contains($0) == true }) { return named }
    let isGlobal = settings.peers?.contains { !$0.isLinkLocal } == true
    return candidates.first { family == .v4 || $0.isLinkLocal != isGlobal }
  }
}
