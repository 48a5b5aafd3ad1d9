import Wire

/// The rules about ports beside those of `listen`.
extension Rules {
  /// `owners`: the ports that are in use for another purpose.
  static func checkRelay(
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
    guard !service.relay.isEmpty, let relay = reader.mark("relay") else { return }
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

  static func checkDatagrams(_ service: Configuration.Service, _ reader: inout Reader) {
    for (index, port) in service.relay.udp.enumerated() {
      guard let place = reader.mark(in: ["relay", "udp"], item: index) else { continue }
      if service.relay.udp[..<index].contains(port) { reader.warn("`\(port)` is given twice", at: place) }
    }
  }

  static func checkFlows(_ limits: Configuration.Limits, _ reader: inout Reader) {
    guard let each = limits.flowsPerAddress, each > limits.flows else { return }
    guard let place = reader.mark("limits", "flows-per-address") else { return }
    reader.warn("more than all `flows` (\(limits.flows)): this limit is never reached", at: place)
  }
}
