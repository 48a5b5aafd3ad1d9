import Wire

/// The rules about ports beside those of `listen`.
extension Rules {
  static func checkDatagrams(_ service: Configuration.Service, _ reader: inout Reader) {
    for (index, port) in service.relay.udp.enumerated() {
      guard let place = reader.mark(in: ["relay", "udp"], item: index) else { continue }
      if service.relay.udp[..<index].contains(port) { reader.warn("`\(port)` is given twice", at: place) }
      let own = Set(service.listeners.compactMap(\.address))
      if let server = service.servers.first(where: { own.contains($0.endpoint.address) }) {
        reader.error(
          "Belvedere itself listens on this port of `\(server.name)`: datagrams would loop", at: place)
      }
    }
  }

  static func checkFlows(_ limits: Configuration.Limits, _ reader: inout Reader) {
    guard let each = limits.flowsPerAddress, each > limits.flows else { return }
    guard let place = reader.mark("limits", "flows-per-address") else { return }
    reader.warn("more than all `flows` (\(limits.flows)): this limit is never reached", at: place)
  }
}
