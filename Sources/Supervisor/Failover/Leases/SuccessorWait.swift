import Domain
import Linux
import VRRP
import Wire

/// Sends the last advertisements of virtual routers and waits for their successors.
struct SuccessorWait: ~Copyable {
  /// The longest wait. A successor in version 3 has a skew of 10 ms at the last advertisement's interval. In version 2
  /// the skew is up to a second, which is too long to keep connections waiting.
  private static let bound = Interval.milliseconds(100)
  /// From a successor's advertisement until its announcement has arrived everywhere.
  private static let grace = Interval.milliseconds(20)

  /// A virtual router on an interface.
  private struct Awaited: Hashable {
    let interface: String
    let family: IPAddress.Family
    /// The first two octets of its advertisements: version, type, VRID.
    let start: [UInt8]
  }

  private final class Listener {
    let interface: String
    let socket: AdvertisementSocket

    init(_ family: IPAddress.Family, on interface: NetworkInterface) throws(SystemError) {
      self.interface = interface.name
      socket = try AdvertisementSocket(family, on: interface, joining: true)
    }
  }

  private let poller: Poller
  private var listeners: [Listener] = []
  private var awaited: Set<Awaited> = []

  init() throws(SystemError) { poller = try Poller() }

  mutating func send(_ packet: LeaseRecord.Packet, on interface: NetworkInterface) throws(SystemError) {
    let listener = try listener(packet.source.family, on: interface)
    try listener.socket.send(packet.bytes.span, from: packet.source, to: packet.destination)
    let start = Array(packet.bytes.prefix(2))
    guard start.count == 2, start[0] >> 4 == VRRPVersion.v3.number else { return }
    awaited.insert(Awaited(interface: interface.name, family: packet.source.family, start: start))
  }

  private mutating func listener(_ family: IPAddress.Family, on interface: NetworkInterface) throws(SystemError)
    -> Listener
  {
    if let listener = listeners.first(where: { $0.interface == interface.name && $0.socket.family == family }) {
      return listener
    }
    let listener = try Listener(family, on: interface)
    try poller.watchLevel(listener.socket.descriptor)
    listeners.append(listener)
    return listener
  }

  /// Returns the addresses of the successors, when all have taken over or the time is up. Received packets have no
  /// other effect: a forged one only ends the wait early.
  consuming func run() throws(SystemError) -> [IPAddress] {
    var successors: [IPAddress] = []
    var end = Clock.monotonic() + Self.bound
    if awaited.isEmpty { return [] }
    while true {
      let now = Clock.monotonic()
      guard now < end else { return successors }
      _ = poller.wait(milliseconds: Int32((end - now).milliseconds + 1))
      for listener in listeners {
        guard let packet = try listener.socket.receive() else { continue }
        let start = Array(packet.bytes.prefix(2))
        guard packet.bytes.count >= 8, packet.hopLimit == Advertisement.hopLimit, packet.bytes[2] > 0 else { continue }
        let known = Awaited(interface: listener.interface, family: packet.source.family, start: start)
        guard awaited.remove(known) != nil else { continue }
        successors.append(packet.source)
        if awaited.isEmpty { end = min(end, Clock.monotonic() + Self.grace) }
      }
    }
  }
}
