import Domain
import Wire

/// The rules for the nodes of a pair.
extension Rules {
  static func checkPair(_ configuration: Configuration, _ reader: inout Reader) {
    guard let pair = configuration.pair, let nodes = reader.mark("pair", "nodes") else { return }
    let virtual = Set(configuration.virtualRouters.flatMap(\.settings.ipAddresses))
    for (index, node) in pair.nodes.enumerated() {
      guard let place = reader.mark("pair", "nodes", node.name) else { continue }
      if virtual.contains(node.address) {
        reader.error("this is the virtual address of `vrrp`; expected the node's own address", at: place)
      } else if let other = pair.nodes[..<index].first(where: { $0.address == node.address }) {
        reader.error("`\(other.name)` has the same address", at: place)
      }
    }
    guard let own = pair.own else { return reportNoNode(pair, nodes, &reader) }
    checkPort(of: pair, own, configuration, &reader)
  }

  private static func reportNoNode(_ pair: Configuration.Pair, _ nodes: Mark, _ reader: inout Reader) {
    if let place = reader.mark("pair", "node") {
      let near = Suggestion.nearest(to: pair.node, among: pair.nodes.map(\.name))
      reader.error("no node is called `\(pair.node)`", at: place, near.map { "Did you mean `\($0)`?" })
    } else if reader.site("pair", "node") == nil, !reader.isMisspelt("pair", "node") {
      reader.error(
        "this machine is called `\(reader.hostName)`, and no node is", at: nodes, "Say which one it is with `node`.")
    }
  }

  private static func checkPort(
    of pair: Configuration.Pair, _ own: Configuration.Pair.Node, _ configuration: Configuration, _ reader: inout Reader
  ) {
    let place = Configuration.Listener(address: own.address, port: pair.port)
    for service in configuration.services {
      let listeners = service.listeners + service.serverListeners + service.relayListeners
      guard let taken = (listeners + (service.redirect?.listeners ?? [])).first(where: place.overlaps),
        let mark = reader.mark("pair", "port") ?? reader.mark("pair", "nodes", own.name)
      else { continue }
      let prefix = Configuration.Service.prefix(service.name)
      reader.error("\(prefix)clients connect to `\(taken)`; the nodes need another `port`", at: mark)
    }
  }
}
