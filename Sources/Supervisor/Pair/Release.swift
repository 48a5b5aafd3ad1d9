import Linux
import Wire

/// What is done for a supervisor that can't any more: its addresses go, and the other node hears that it may take over.
/// Needs no configuration, and no answer from anybody.
package struct Release: ~Copyable {
  /// Why nothing was done.
  package enum Refusal: Error, CustomStringConvertible {
    /// The service still runs, and would put everything back.
    case serviceRuns(control: String)
    case system(SystemError)

    package var description: String {
      switch self {
      case .serviceRuns(let control):
        "the service runs: it answers at \(control). `belvedere failover` hands its addresses over"
      case .system(let error): "\(error)"
      }
    }
  }

  /// What was done and what was not possible, a line each, for the journal.
  package private(set) var lines: [String] = []
  private var routes: RouteSocket

  /// Releases what the service with this control socket held.
  package static func run(control: String) throws(Refusal) -> [String] {
    guard (try? LocalSocket.connect(to: control)) == nil else { throw .serviceRuns(control: control) }
    do throws(SystemError) {
      var release = Release(routes: try RouteSocket())
      try release.release(LeaseFile(besides: control))
      return release.lines
    } catch {
      throw .system(error)
    }
  }

  private init(routes: consuming RouteSocket) { self.routes = routes }

  private mutating func release(_ file: LeaseFile?) throws(SystemError) {
    let interfaces = try routes.interfaces()
    let record = try record(in: file)
    // First the address: who hears the packet finds nobody there.
    for held in record.addresses {
      guard let interface = interfaces.first(where: { $0.name == held.interface }) else { continue }
      remove(
        InterfaceAddress(
          interface: interface.index, address: held.address, prefixLength: held.prefixLength, lifetime: nil),
        from: interface.name)
    }
    for packet in record.packets {
      guard let interface = interfaces.first(where: { $0.name == packet.interface }) else { continue }
      send(packet, on: interface)
    }
    file?.remove()
  }

  private mutating func record(in file: LeaseFile?) throws(SystemError) -> LeaseRecord {
    guard let file, let text = try file.read() else { return LeaseRecord() }
    do throws(LeaseRecord.Malformed) { return try LeaseRecord(parsing: text) } catch {
      lines.append("\(file.path): \(error)")
      return LeaseRecord()
    }
  }

  private mutating func remove(_ address: InterfaceAddress, from interface: String) {
    do throws(SystemError) {
      if try routes.remove(address) { lines.append("took \(address.address) off \(interface)") }
    } catch {
      lines.append("\(error)")
    }
  }

  private mutating func send(_ packet: LeaseRecord.Packet, on interface: NetworkInterface) {
    do throws(SystemError) {
      let socket = try AdvertisementSocket(packet.source.family, on: interface, joining: false)
      try socket.send(packet.bytes.span, from: packet.source, to: packet.destination)
      lines.append("sent the last advertisement to \(packet.destination)")
    } catch {
      lines.append("\(error)")
    }
  }
}
