import Configuration
import Domain
import Linux
import VRRP
import Wire

/// The sockets of one virtual router on its interface. They are of the interface with this index: one that comes back
/// under the same name is another one.
final class RouterPort {
  /// Packets taken in one turn; more wait for the next.
  private static let batch = 64

  private(set) var interface: NetworkInterface
  private let advertisements: AdvertisementSocket
  private let frames: FrameSocket
  /// Who claims IPv4 addresses.
  private let arp: FrameSocket?
  /// Who claims IPv6 addresses.
  private let neighbours: NeighbourSocket?

  /// `index` is the virtual router's, for the poller's tokens.
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

  /// The interface as it is now; nil when it is not the one that the sockets are of.
  func update(_ interface: NetworkInterface) -> Bool {
    guard interface.index == self.interface.index else { return false }
    self.interface = interface
    return true
  }

  func send(_ packet: [UInt8], from source: IPAddress, to destination: IPAddress) throws(SystemError) {
    try advertisements.send(packet.span, from: source, to: destination)
  }

  /// Announces an address. An interface without a hardware address is skipped.
  func announce(_ address: IPAddress) throws(SystemError) {
    guard interface.hardwareAddress.count == 6 else { return }
    for frame in AddressAnnouncement.frames(address, at: interface.hardwareAddress) { try frames.send(frame.span) }
  }

  /// Asks who has an address; over IPv6 the answer goes to `source`.
  func probe(_ address: IPAddress, from source: IPAddress) throws(SystemError) {
    guard interface.hardwareAddress.count == 6 else { return }
    try frames.send(AddressAnnouncement.probe(address, from: interface.hardwareAddress, source).span)
  }

  /// The packets that have come.
  func receive() throws(SystemError) -> [AdvertisementSocket.Packet] {
    var packets: [AdvertisementSocket.Packet] = []
    while packets.count < Self.batch, let packet = try advertisements.receive() { packets.append(packet) }
    return packets
  }

  /// Who else has shown to have one of these addresses, by what hardware address.
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
  /// Where advertisements come from, among the interface's own addresses: what the configuration says, else the one that
  /// `peers` has of this node, else the first, which for IPv6 is link-local (RFC 9568 §5.1.2.1) unless peers are not.
  func source(among own: [IPAddress]) -> IPAddress? {
    if let source = router.source { return own.contains(source) ? source : nil }
    let family = settings.addresses[0].address.family
    let candidates = own.filter { $0.family == family }
    if let named = candidates.first(where: { settings.peers?.contains($0) == true }) { return named }
    let isGlobal = settings.peers?.contains { !$0.isLinkLocal } == true
    return candidates.first { family == .v4 || $0.isLinkLocal != isGlobal }
  }
}
