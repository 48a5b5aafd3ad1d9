import Wire

/// The rules for ports and names with a special purpose: each may have only one.
extension Rules {
  static func checkDedicated(_ service: Configuration.Service, _ reader: inout Reader) {
    var names = Dictionary(service.names.map { ($0, "the service") }) { first, _ in first }
    var ports = Dictionary(service.listeners.map { ($0.port, "`listen`") }) { first, _ in first }
    for listener in service.redirect?.listeners ?? [] { ports[listener.port] = "`redirect`" }
    checkRelay(service, &ports, &reader)
    for server in service.servers {
      if service.mode == .passthrough, let place = reader.mark("servers", server.name, "names") {
        reader.error("names can't be seen in mode `passthrough`", at: place, "Give the server `ports` of its own.")
      }
      report(server.names.map { ($0, $0.text) }, of: server, at: "names", &names, &reader)
      report(server.ports.map { ($0, "\($0)") }, of: server, at: "ports", &ports, &reader)
    }
  }

  /// `owners`: the ports that are in use for another purpose.
  private static func checkRelay(
    _ service: Configuration.Service, _ owners: inout [UInt16: String], _ reader: inout Reader
  ) {
    for (index, port) in service.relay.tcp.enumerated() {
      guard let place = reader.mark(in: ["relay", "tcp"], item: index),
        let other = owners.updateValue("`relay`", forKey: port)
      else { continue }
      if other == "`relay`" {
        reader.warn("`\(port)` is given twice", at: place)
      } else {
        reader.error("`\(port)` belongs to \(other) already", at: place)
      }
    }
    guard !(service.relay.tcp + service.relay.udp).isEmpty, let relay = reader.mark("relay") else { return }
    if !service.affinity.by.contains(.clientAddress) {
      reader.error(
        "what comes to ports of `relay` can only follow `client-address`", at: reader.mark("affinity", "by") ?? relay,
        "Add `client-address` to `affinity.by`.")
    }
    if !service.forwarded.trustedProxies.isEmpty, !service.forwarded.proxyProtocol {
      reader.warn(
        "on ports of `relay` every client of a trusted proxy has the proxy's address, and so one server", at: relay,
        "Let the proxy send the PROXY protocol (`forwarded.proxy-protocol`), or clients come to these ports directly.")
    }
  }

  /// `owners`: the purposes of all ports or names so far.
  private static func report<Item: Hashable>(
    _ items: [(Item, text: String)], of server: Configuration.Server, at key: String, _ owners: inout [Item: String],
    _ reader: inout Reader
  ) {
    let owner = "`\(server.name)`"
    for (index, item) in items.enumerated() {
      guard let place = reader.mark(in: ["servers", server.name, key], item: index),
        let other = owners.updateValue(owner, forKey: item.0)
      else { continue }
      if other == owner {
        reader.warn("`\(item.text)` is given twice", at: place)
      } else {
        owners[item.0] = other
        reader.error("`\(item.text)` belongs to \(other) already, and can't mean `\(server.name)`", at: place)
      }
    }
  }
}
