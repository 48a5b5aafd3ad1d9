import Linux
import VRRP
import Wire

/// Sends the last words of virtual routers, and hears who takes over from each.
struct SuccessorWait: ~Copyable {
  /// How long a successor in version 3 may take: its skew is 10 ms at the last words' interval. One in version 2 has a
  /// skew of up to a second, for which nobody's connection is to hang.
  private static let bound = Interval.milliseconds(100)
  /// From its advertisement until its announcement has reached everybody.
  private static let grace = Interval.milliseconds(20)

  /// A virtual router on an interface.
  private struct Awaited: Hashable {
    let interface: String
    let family: IPAddress.Family
    /// The first two octets of its advertisements: version, type, VRID.
    let start: [UInt8]
  }

  private final class Ear {
    let interface: String
    let socket: AdvertisementSocket

    init(_ family: IPAddress.Family, on interface: NetworkInterface) throws(SystemError) {
      self.interface = interface.name
      socket = try AdvertisementSocket(family, on: interface, joining: true)
    }
  }

  private let poller: Poller
  private var ears: [Ear] = []
  private var awaited: Set<Awaited> = []

  init() throws(SystemError) { poller = try Poller() }

  mutating func send(_ packet: LeaseRecord.Packet, on interface: NetworkInterface) throws(SystemError) {
    let ear = try ear(packet.source.family, on: interface)
    try ear.socket.send(packet.bytes.span, from: packet.source, to: packet.destination)
    let start = Array(packet.bytes.prefix(2))
    guard start.count == 2, start[0] >> 4 == Advertisement.Version.v3.rawValue else { return }
    awaited.insert(Awaited(interface: interface.name, family: packet.source.family, start: start))
  }

  private mutating func ear(_ family: IPAddress.Family, on interface: NetworkInterface) throws(SystemError) -> Ear {
    if let ear = ears.first(where: { $0.interface == interface.name && $0.socket.family == family }) { return ear }
    let ear = try Ear(family, on: interface)
    try poller.watchLevel(ear.socket.descriptor)
    ears.append(ear)
    return ear
  }

  /// Returns the addresses of those that took over, when all did or the time is up. Nothing that they send is believed
  /// but that: the worst that a forged one does is to have us leave at once.
  consuming func run() throws(SystemError) -> [IPAddress] {
    var successors: [IPAddress] = []
    var end = Clock.monotonic() + Self.bound
    if awaited.isEmpty { return [] }
    while true {
      let now = Clock.monotonic()
      guard now < end else { return successors }
      _ = poller.wait(milliseconds: Int32((end - now).milliseconds + 1))
      for ear in ears {
        guard let packet = try ear.socket.receive() else { continue }
        let start = Array(packet.bytes.prefix(2))
        guard packet.bytes.count >= 8, packet.hopLimit == Advertisement.hopLimit, packet.bytes[2] > 0 else { continue }
        let known = Awaited(interface: ear.interface, family: packet.source.family, start: start)
        guard awaited.remove(known) != nil else { continue }
        successors.append(packet.source)
        if awaited.isEmpty { end = min(end, Clock.monotonic() + Self.grace) }
      }
    }
  }
}
