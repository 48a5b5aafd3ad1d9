import Configuration
import Doctor
import Domain
import Linux
import VRRP
import Wire

/// Listens to advertisements on the interfaces of virtual routers for a bounded time.
enum AdvertisementListening {
  /// Three intervals, within these bounds.
  private static let shortest = Interval.milliseconds(500)
  private static let longest = Interval.seconds(5)
  /// Speakers that are kept of one router id.
  private static let speakerLimit = 8

  /// Sets `speakers` of each. Packets reach every raw socket, so a running service loses none.
  static func listen(_ routers: inout [RouterFacts], _ interfaces: [NetworkInterface], own: Set<IPAddress>) {
    let begin = Clock.monotonic()
    var heard = [[RouterFacts.Speaker]](repeating: [], count: routers.count)
    let intervals = routers.map { Interval(nanoseconds: $0.settings.interval.nanoseconds * 3) }
    let deadline = begin + min(max(intervals.max() ?? shortest, shortest), longest)
    guard let poller = try? Poller() else { return }
    var sockets: [Int: ListeningSocket] = [:]
    for index in routers.indices {
      guard let interface = interfaces.first(where: { $0.name == routers[index].interface }) else {
        routers[index].speakers = .unknown("there is no interface \(routers[index].interface)")
        continue
      }
      do throws(SystemError) {
        let family = routers[index].settings.ipAddresses.first?.family ?? .v4
        let listening = ListeningSocket(try AdvertisementSocket(family, on: interface, joining: true))
        try poller.watchLevel(listening.socket.descriptor)
        sockets[index] = listening
      } catch {
        routers[index].speakers = .unknown(error.code == SystemError.notPermitted ? "only root may listen" : "\(error)")
      }
    }
    while !sockets.isEmpty, Clock.monotonic() < deadline {
      for (index, listening) in sockets {
        while Clock.monotonic() < deadline, let packet = try? listening.socket.receive() {
          guard !own.contains(packet.source), heard[index].count < speakerLimit,
            let speaker = RouterFacts.Speaker(packet, of: routers[index].settings),
            !heard[index].contains(where: { $0.source == speaker.source })
          else { continue }
          heard[index].append(speaker)
        }
      }
      _ = poller.wait(deadline - Clock.monotonic())
    }
    let listened = Clock.monotonic() - begin
    for index in sockets.keys {
      let interval = routers[index].settings.interval
      routers[index].speakers =
        heard[index].isEmpty && listened < interval
        ? .unknown("nothing was heard for \(listened.text), and an interval is \(interval.text)") : .found(heard[index])
    }
  }
}

/// A socket in a dictionary, which holds no values that can't be copied.
private final class ListeningSocket {
  let socket: AdvertisementSocket

  init(_ socket: consuming AdvertisementSocket) { self.socket = socket }
}

extension RouterFacts.Speaker {
  /// Nil for packets of another router id, and for those that are no advertisements; whether a signature is valid is
  /// left to the service.
  fileprivate init?(_ packet: AdvertisementSocket.Packet, of settings: VirtualRouterSettings) {
    let received = ReceivedPacket(
      source: packet.source, destination: packet.destination, hopLimit: packet.hopLimit, payload: packet.bytes.span)
    for convention in VRRPChecksum.allCases {
      guard let parts = try? AdvertisementCodec.decode(received, checksum: convention) else { continue }
      let advertisement = parts.advertisement
      // A priority of 0 takes leave.
      guard advertisement.virtualRouter == settings.identifier, advertisement.priority > 0 else { return nil }
      self.init(
        source: packet.source, priority: advertisement.priority, version: advertisement.version.number,
        addresses: advertisement.addresses)
      return
    }
    return nil
  }
}
