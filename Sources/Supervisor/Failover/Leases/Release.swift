import Domain
import Linux
import Wire

/// Releases the addresses of a supervisor that died: sends the last advertisements, so that the other node takes over,
/// and removes the addresses and their connections. Needs no configuration and no reply.
///
/// systemd keeps the listeners open, so the kernel still accepts connections that no process serves. They are reset
/// when the addresses are removed, after the other node has announced the addresses if it does so soon: clients that
/// reconnect at once are then served.
package struct Release: ~Copyable {
  /// Why nothing was released.
  package enum Refusal: Error, CustomStringConvertible {
    /// The service still runs and would restore everything.
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

  /// What was done and what failed, one per line, for the journal.
  package private(set) var lines: [String] = []
  private var routes: AddressSocket

  /// Releases the addresses of the service with this control socket.
  package static func run(control: String) throws(Refusal) -> [String] {
    guard (try? LocalSocket.connect(to: control)) == nil else { throw .serviceRuns(control: control) }
    do throws(SystemError) {
      var release = Release(routes: try AddressSocket())
      try release.release(LeaseFile(besides: control))
      return release.lines
    } catch {
      throw .system(error)
    }
  }

  private init(routes: consuming AddressSocket) { self.routes = routes }

  private mutating func release(_ file: LeaseFile?) throws(SystemError) {
    let interfaces = try routes.interfaces()
    let record = try record(in: file)
    handOver(record.packets, interfaces)
    var connections: ConnectionReset? = try? ConnectionReset()
    let sweep = LeaseSweep(try routes.addresses(), on: interfaces, recorded: record.addresses)
    for held in sweep.released {
      guard let interface = interfaces.first(where: { $0.name == held.interface }) else { continue }
      let address = InterfaceAddress(
        interface: interface.index, address: held.address.address, prefixLength: held.address.prefixLength,
        lifetime: nil)
      // New packets to the address are dropped; it stays until the resets have been sent from it.
      try? routes.stopReceiving(address)
      reset(&connections, at: held.address.address)
      remove(address, from: interface.name)
    }
    file?.remove()
  }

  /// Sends the last advertisements and waits briefly for successors.
  private mutating func handOver(_ packets: [LeaseRecord.Packet], _ interfaces: [NetworkInterface]) {
    do throws(SystemError) {
      var wait = try SuccessorWait()
      for packet in packets {
        guard let interface = interfaces.first(where: { $0.name == packet.interface }) else { continue }
        do throws(SystemError) {
          try wait.send(packet, on: interface)
          lines.append("sent the last advertisement to \(packet.destination)")
        } catch {
          lines.append("\(error)")
        }
      }
      for successor in try wait.run() { lines.append("\(successor) took over") }
    } catch {
      lines.append("\(error)")
    }
  }

  private mutating func reset(_ connections: inout ConnectionReset?, at address: IPAddress) {
    do throws(SystemError) {
      let count = try connections?.reset(at: address) ?? 0
      if count > 0 { lines.append("reset \(count) connections at \(address)") }
    } catch {
      lines.append("\(error)")
    }
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
      if try routes.remove(address) { lines.append("removed \(address.address) from \(interface)") }
    } catch {
      lines.append("\(error)")
    }
  }
}
