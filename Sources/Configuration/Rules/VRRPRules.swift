import Domain
import Wire

/// The rules for virtual routers.
extension Rules {
  static func checkVirtualRouters(_ configuration: Configuration, _ reader: inout Reader) {
    let routers = configuration.virtualRouters
    for (index, router) in routers.enumerated() {
      let path = ["vrrp", String(index)]
      checkAddresses(router, earlier: routers[..<index], path, &reader)
      checkVersion(router, path, &reader)
      checkNodes(router, path, &reader)
      checkAuthentication(router, path, &reader)
      checkTracks(router, configuration, path, &reader)
      checkPlace(router, earlier: routers[..<index], path, &reader)
    }
    guard !routers.isEmpty, configuration.pair == nil else { return }
    for service in configuration.services {
      reader.within(service) { checkTakeover(of: service, &$0) }
    }
  }

  /// An address has the same hash on both nodes; what one of them has learned, the other does not know without `pair`.
  private static func checkTakeover(of service: Configuration.Service, _ reader: inout Reader) {
    // With `relay` it is an error.
    guard service.relay.isEmpty, !service.affinity.by.contains(.clientAddress),
      let place = reader.mark("affinity", "by")
    else { return }
    reader.warn(
      "the other node knows no cookies and tunnels: after a takeover many clients reach another server and have to log in "
        + "again", at: place, "Add `client-address` as the last entry: both nodes find the same server by it.")
  }

  private static func checkAddresses(
    _ router: Configuration.VirtualRouter, earlier: ArraySlice<Configuration.VirtualRouter>, _ path: [String],
    _ reader: inout Reader
  ) {
    guard let first = router.settings.addresses.first else { return }
    let others = Set(earlier.flatMap(\.settings.ipAddresses))
    for (index, address) in router.settings.addresses.enumerated() {
      guard let place = reader.mark(in: path + ["address"], item: index) else { continue }
      if address.address.family != first.address.family {
        reader.error(
          "IPv4 and IPv6 need a virtual router each (RFC 9568)", at: place,
          "Make `vrrp` a list of two, of one `group`.")
      } else if others.contains(address.address)
        || router.settings.addresses[..<index].contains(where: { $0.address == address.address })
      {
        reader.error("`\(address.address)` is given twice", at: place)
      }
    }
  }

  private static func checkVersion(
    _ router: Configuration.VirtualRouter, _ path: [String], _ reader: inout Reader
  ) {
    let second = Interval.seconds(1).nanoseconds
    switch router.settings.version {
    case .v3:
      if let place = reader.mark(at: path + ["interval"]),
        !router.settings.interval.nanoseconds.isMultiple(of: Interval.milliseconds(10).nanoseconds)
      {
        reader.error("`interval` counts in hundredths of a second: 10ms, 20ms and so on", at: place)
      }
    case .v2:
      if router.settings.addresses.first?.address.family == .v6, let place = reader.mark(at: path + ["version"]) {
        reader.error("version 2 has no IPv6", at: place)
      }
      if let place = reader.mark(at: path + ["interval"]), !router.settings.interval.nanoseconds.isMultiple(of: second)
      {
        reader.error("`interval` is whole seconds in version 2", at: place, "Shorter ones need `version: 3`.")
      }
      if let place = reader.mark(at: path + ["checksum"]) {
        reader.warn("`checksum` does nothing in version 2", at: place)
      }
    }
    if !router.accepts, let place = reader.mark(at: path + ["accept"]) {
      reader.error(
        "without Accept_Mode the node that holds the address would drop every connection to it (RFC 9568 §6.1)",
        at: place, "Leave `accept` out: clients connect to this address.")
    }
    if router.settings.priority == 255, let place = reader.mark(at: path + ["preempt"]), !router.settings.preempts {
      reader.error("an owner (priority 255) always takes over", at: place)
    }
    if !router.settings.preempts, let place = reader.mark(at: path + ["preempt-delay"]) {
      reader.warn("`preempt-delay` does nothing with `preempt: false`", at: place)
    }
  }

  private static func checkNodes(
    _ router: Configuration.VirtualRouter, _ path: [String], _ reader: inout Reader
  ) {
    guard let family = router.settings.addresses.first?.address.family else { return }
    let virtual = Set(router.settings.ipAddresses)
    func check(_ address: IPAddress, at place: Mark, _ reader: inout Reader) {
      if virtual.contains(address) {
        reader.error("`\(address)` is the virtual address; expected a node's own address", at: place)
      } else if address.family != family {
        reader.error("`\(address)` is not of the virtual address's family", at: place)
      }
    }
    if let source = router.source, let place = reader.mark(at: path + ["source"]) {
      check(source, at: place, &reader)
    }
    guard let peers = router.settings.peers, let place = reader.mark(at: path + ["peers"]) else { return }
    for (index, peer) in peers.enumerated() {
      check(peer, at: reader.mark(in: path + ["peers"], item: index) ?? place, &reader)
    }
  }

  private static func checkAuthentication(
    _ router: Configuration.VirtualRouter, _ path: [String], _ reader: inout Reader
  ) {
    guard let authentication = router.authentication else { return }
    let path = path + ["authentication"]
    if let place = reader.mark(at: path + ["password"]) {
      if router.settings.version == .v3 {
        reader.error("version 3 has no password (RFC 9568 §9)", at: place, "`keys` sign advertisements of any version.")
      } else {
        reader.warn("the password is sent in the clear: it does not protect against an attacker", at: place)
      }
    }
    guard let place = reader.mark(at: path) else { return }
    if authentication.keys.isEmpty {
      let keys = reader.site(at: path + ["keys"])
      if authentication.password == nil, keys == nil, reader.site(at: path + ["password"]) == nil {
        reader.error("expected `keys`, or `password` in version 2", at: place)
      }
      for key in ["mode", "window"] where keys == nil {
        if let place = reader.mark(at: path + [key]) { reader.warn("`\(key)` does nothing without `keys`", at: place) }
      }
    }
  }

  private static func checkTracks(
    _ router: Configuration.VirtualRouter, _ configuration: Configuration, _ path: [String], _ reader: inout Reader
  ) {
    for (index, track) in router.tracks.enumerated() {
      let path = path + ["track", String(index)]
      func warnOfScriptKeys(with subject: String) {
        for key in ["interval", "timeout", "fall"] {
          if let place = reader.mark(at: path + [key]) {
            reader.warn("`\(key)` does nothing with `\(subject)`", at: place)
          }
        }
      }
      switch track.subject {
      case .interface(let name):
        warnOfScriptKeys(with: "interface")
        if name == router.interface, let place = reader.mark(at: path + ["interface"]) {
          reader.warn("`\(name)` carries the address, and always counts", at: place)
        }
      case .script(_, let interval, let timeout, _):
        if timeout > interval, let place = reader.mark(at: path + ["timeout"]) {
          reader.error("`timeout` must not be longer than `interval`", at: place)
        }
      case .servers(fewerBy: let margin):
        warnOfScriptKeys(with: "fewer-servers")
        checkFewerServers(margin, track.weight, router, configuration, path, &reader)
      }
      if router.settings.priority == 255, track.weight != .giveUp, let place = reader.mark(at: path + ["weight"]) {
        reader.warn("an owner's priority (255) never changes", at: place)
      }
    }
  }

  /// Whether the weight suffices depends on the priorities of the other nodes, which are not known here.
  private static func checkFewerServers(
    _ margin: Int, _ weight: TrackWeight, _ router: Configuration.VirtualRouter, _ configuration: Configuration,
    _ path: [String], _ reader: inout Reader
  ) {
    guard let place = reader.mark(at: path + ["fewer-servers"]) else { return }
    if configuration.pair == nil {
      reader.error("`fewer-servers` compares the nodes of a `pair`, and there is none", at: place)
    }
    let isNegative = if case .priority(..<0) = weight { true } else { false }
    if !isNegative {
      reader.error(
        "`fewer-servers` needs a weight from -253 to -1, since the node can still serve",
        at: reader.mark(at: path + ["weight"]) ?? place, "For example: weight: -50")
    }
    if !router.settings.preempts {
      reader.warn(
        "`fewer-servers` does nothing with `preempt: false`: the other node does not take over from one that serves",
        at: place)
    }
    if !configuration.services.contains(where: { $0.servers.count >= margin }) {
      reader.warn("no service has so many servers: this never applies", at: place)
    }
  }

  private static func checkPlace(
    _ router: Configuration.VirtualRouter, earlier: ArraySlice<Configuration.VirtualRouter>, _ path: [String],
    _ reader: inout Reader
  ) {
    let family = router.settings.addresses.first?.address.family
    let isTaken = earlier.contains {
      $0.settings.identifier == router.settings.identifier && $0.interface == router.interface
        && $0.settings.addresses.first?.address.family == family
    }
    if isTaken, let place = reader.mark(at: path + ["router"]) {
      reader.error("virtual router \(router.settings.identifier) is given twice on `\(router.interface)`", at: place)
    } else if earlier.contains(where: { $0.name == router.name }) {
      let place = reader.mark(at: path + ["name"]) ?? reader.mark(at: path + ["router"])
      if let place { reader.error("two virtual routers are called `\(router.name)`", at: place, "Give it a `name`.") }
    }
  }
}
