import Balancing
import Domain
import Wire

/// The rules for listeners and addresses of servers.
extension Rules {
  static func checkListeners(_ service: Configuration.Service, _ reader: inout Reader) {
    report(overlapsIn: service.listeners, at: ["listen"], &reader)
    guard let redirect = service.redirect else { return }
    report(overlapsIn: redirect.listeners, at: ["redirect", "listen"], &reader)
    for (index, plain) in redirect.listeners.enumerated() {
      guard let secure = service.listeners.first(where: { $0.overlaps(plain) }) else { continue }
      if let place = reader.mark(in: ["redirect", "listen"], item: index) {
        reader.error("`\(plain)` is taken by `\(secure)` of `listen`", at: place)
      } else if let place = reader.mark("listen") {
        reader.error(
          "`\(secure)` is where `redirect` listens", at: place,
          "Switch it off with `redirect: off`, or give it a `listen`.")
      }
    }
  }

  private static func report(
    overlapsIn listeners: [Configuration.Listener], at path: [String], _ reader: inout Reader
  ) {
    for (index, listener) in listeners.enumerated() {
      guard let mark = reader.mark(in: path, item: index) else { continue }
      let earlier = listeners[..<index]
      if earlier.contains(listener) {
        reader.error("`\(listener)` is given twice", at: mark)
      } else if let other = earlier.first(where: { $0.overlaps(listener) }) {
        reader.warn("`\(listener)` and `\(other)` overlap; one of them is enough", at: mark)
      }
    }
  }

  static func checkServers(_ service: Configuration.Service, _ reader: inout Reader) {
    let servers = service.servers
    guard !servers.isEmpty, let all = reader.site("servers")?.key else { return }
    if servers.count > ServerSet.capacity,
      let place = reader.site("servers", servers[ServerSet.capacity].name)?.key
    {
      reader.error("more than \(ServerSet.capacity) servers are not supported", at: place)
    }
    var names: [Endpoint: String] = [:]
    for server in servers {
      let other = names[server.endpoint]
      if other == nil { names[server.endpoint] = server.name }
      guard let place = reader.mark("servers", server.name, "address"), let other else { continue }
      reader.warn("`\(other)` has the same address and port", at: place)
    }
    if servers.allSatisfy(\.isBackup) {
      reader.warn("every server is a `backup`: they are used as if none were", at: all)
    }
    if servers.allSatisfy({ $0.weight == 0 }) {
      reader.warn("every server has `weight: 0`: no new client is served", at: all)
    }
  }

  /// No server may have an address on which Belvedere itself listens.
  static func checkAddresses(_ configuration: Configuration, _ reader: inout Reader) {
    let virtual = Set(configuration.virtualRouters.flatMap(\.settings.ipAddresses))
    let listeners = Set(configuration.services.flatMap { $0.listeners + $0.serverListeners + $0.relayListeners })
    let datagramListeners = Set(configuration.services.flatMap(\.datagramListeners))
    for service in configuration.services {
      reader.within(service) { reader in
        for server in service.servers {
          guard let place = reader.mark("servers", server.name, "address") else { continue }
          let ports = [server.endpoint.port] + service.relay.tcp
          if let own = first(of: listeners, at: server, ports) {
            reader.error("Belvedere itself listens on `\(own)`: connections would loop", at: place)
          } else if let own = first(of: datagramListeners, at: server, service.relay.udp) {
            let words = "Belvedere itself listens on `\(own)` for UDP: datagrams would loop"
            if own.address == server.endpoint.address {
              reader.error(words, at: place)
            } else {
              // A socket of one address takes precedence over one of all.
              reader.warn(words + " unless the server has a socket there", at: place)
            }
          } else if virtual.contains(server.endpoint.address) {
            reader.error("this is the virtual address of `vrrp`: connections would loop", at: place)
          }
        }
      }
    }
  }

  /// A listener that gets what is sent to one of these ports of the server. Which addresses the machine has is not known
  /// here, but those of the loopback interface are its own.
  private static func first(
    of listeners: Set<Configuration.Listener>, at server: Configuration.Server, _ ports: [UInt16]
  ) -> Configuration.Listener? {
    let address = server.endpoint.address
    var addresses: [IPAddress?] = [address]
    if address.isLoopback {
      addresses += [nil, address.family == .v4 ? IPAddress(v4: 0) : IPAddress(v6High: 0, low: 0)]
    }
    return ports.lazy.flatMap { port in addresses.map { Configuration.Listener(address: $0, port: port) } }
      .first(where: listeners.contains)
  }
}

extension Configuration.Listener {
  /// Whether a connection could be for either.
  func overlaps(_ other: Configuration.Listener) -> Bool {
    port == other.port && (covers(other) || other.covers(self))
  }

  private func covers(_ other: Configuration.Listener) -> Bool {
    guard let address else { return true }
    guard let otherAddress = other.address else { return false }
    return address == otherAddress || (address.isUnspecified && address.family == otherAddress.family)
  }
}
