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
