import Wire

/// The rules for lists of client networks.
extension Rules {
  static func checkAccess(_ service: Configuration.Service, _ reader: inout Reader) {
    let access = service.access
    checkNetworks(access.networks, at: ["access"], &reader)
    for path in access.paths {
      checkNetworks(path.networks, at: ["access", "paths", path.path], &reader)
      let isException = access.paths.contains { path.path.hasPrefix($0.path + "/") }
      let isRefused = ["allow", "deny"].contains {
        reader.site("access", "paths", path.path, $0)?.isGood == false
          || reader.isMisspelt("access", "paths", path.path, $0)
      }
      guard path.networks.isEmpty, !isException, !isRefused,
        let place = reader.site("access", "paths", path.path)?.key
      else { continue }
      reader.warn("without `allow` and `deny` this rule admits every client that the service admits", at: place)
    }
    if let place = reader.mark("access", "paths"), !access.paths.isEmpty, !service.relay.tcp.isEmpty {
      reader.warn("these rules don't apply to ports of `relay`, where paths can't be seen", at: place)
    }
    if service.mode == .passthrough, !access.paths.isEmpty, let place = reader.mark("access", "paths") {
      reader.error("paths can't be seen in mode `passthrough`", at: place, "Rules for the whole service are possible.")
    }
  }

  private static func checkNetworks(
    _ networks: Configuration.Access.Networks, at path: [String], _ reader: inout Reader
  ) {
    let denied = Set(networks.deny)
    for (index, network) in networks.allow.enumerated() where denied.contains(network) {
      guard let place = reader.mark(in: path + ["allow"], item: index) else { continue }
      reader.error("`\(network)` is in `allow` and in `deny`", at: place)
    }
    // With `allow`, other addresses are refused, those of the other family too.
    guard networks.allow.isEmpty, let family = networks.deny.first?.network.family,
      networks.deny.allSatisfy({ $0.network.family == family }),
      let index = networks.deny.firstIndex(where: { $0.length == 0 }),
      let place = reader.mark(in: path + ["deny"], item: index)
    else { return }
    let (other, all) = family == .v4 ? ("IPv6", "\"::/0\"") : ("IPv4", "0.0.0.0/0")
    reader.warn("clients are still admitted by \(other)", at: place, "To refuse them too, add \(all).")
  }
}
