import Domain
import Wire

func judgeInterfaces(_ facts: Facts) -> [Finding] {
  facts.routers.map { router in
    let (check, name, interface) = ("interface", router.name, router.interface)
    switch router.link {
    case .up: return Finding(check, name, .ok, "\(interface) is up")
    case .missing:
      return Finding(check, name, .fault, "there is no interface \(interface)", fix: "`ip link`; `vrrp.interface`")
    case .down: return Finding(check, name, .fault, "\(interface) is down", fix: "ip link set \(interface) up")
    case .withoutCarrier:
      return Finding(
        check, name, .fault, "\(interface) has no carrier", fix: "check the cable, or the virtual machine's port group")
    }
  }
}

func judgeAddresses(_ facts: Facts) -> [Finding] {
  facts.routers.flatMap { router -> [Finding] in
    guard router.link != .missing else { return [] }
    var found =
      router.errors.map {
        Finding("address", router.name, .fault, $0, fix: "`vrrp.address`: a free address of that network")
      }
      + router.warnings.map { Finding("address", router.name, .warning, $0) }
    for address in router.settings.ipAddresses where !router.networks.contains(where: { $0.contains(address) }) {
      guard !address.isLinkLocal else { continue }
      let networks = router.networks.map(\.description).joined(separator: ", ")
      found.append(
        Finding(
          "address", router.name, .warning,
          "\(address) is in no network of \(router.interface) (\(networks.isEmpty ? "it has none" : networks)): other machines may not reach it",
          fix: "`vrrp.address`, `vrrp.interface`; correct if a router leads the address here"))
    }
    guard found.isEmpty else { return found }
    let list = router.settings.ipAddresses.map(\.description).joined(separator: ", ")
    return [Finding("address", router.name, .ok, "\(list) is in a network of \(router.interface)")]
  }
}

func judgeSpeakers(_ facts: Facts) -> [Finding] {
  facts.routers.map { router in
    switch router.speakers {
    case .unknown(let reason): Finding("router id", router.name, .unknown, reason)
    case .found(let speakers): router.judge(speakers)
    }
  }
}

extension RouterFacts {
  /// Judges who else advertises the router id.
  fileprivate func judge(_ speakers: [Speaker]) -> Finding {
    let id = "router id \(settings.identifier)"
    func finding(_ verdict: Finding.Verdict, _ text: String, fix: String = "") -> Finding {
      Finding("router id", name, verdict, text, fix: fix)
    }
    let choose = "`vrrp.router`: another number, the same on both nodes of this pair"
    if let other = speakers.first(where: { Set($0.addresses) != Set(settings.ipAddresses) }) {
      let addresses = other.addresses.map(\.description).joined(separator: ", ")
      return finding(
        .fault, "\(other.source) advertises \(id) for other addresses (\(addresses)): another pair", fix: choose)
    }
    if let unknown = speakers.first(where: isUnknown) {
      return finding(
        .fault, "\(unknown.source) advertises \(id) and is no node of this pair",
        fix: choose + ", or `pair.nodes` and `vrrp.peers`")
    }
    let sources = speakers.map { "\($0.source)" }.joined(separator: " and ")
    if speakers.count > 1 {
      return finding(
        .fault, "\(sources) both advertise \(id)", fix: "two Active nodes, or another pair: docs/vrrp.md, “Messages”")
    }
    guard let speaker = speakers.first else {
      if role == .active { return finding(.ok, "this node alone advertises \(id)") }
      let hearing = "the line “firewall”; `vrrp.interface`, `vrrp.peers`; on the other node `tcpdump -ni any vrrp`"
      if let activeNode {
        return finding(.fault, "\(activeNode) is Active, and its advertisements don't arrive here", fix: hearing)
      }
      if role == .backup {
        return finding(.warning, "this node is Backup, and no node advertises \(id)", fix: hearing)
      }
      return finding(.ok, "no node advertises \(id)")
    }
    if speaker.version != settings.version.number {
      return finding(
        .fault,
        "\(speaker.source) advertises \(id) in version \(speaker.version), this node uses \(settings.version.number)",
        fix: "`vrrp.version`: the same on both nodes")
    }
    if role == .active {
      return finding(
        .fault, "\(speaker.source) advertises \(id) as this node does, with priority \(speaker.priority)",
        fix: "docs/operate.md, “Both nodes have the address”")
    }
    return finding(.ok, "\(speaker.source) is Active, with priority \(speaker.priority)")
  }

  /// Whether none of the pair's nodes advertises from there. Over IPv6 they do from link-local addresses, which the
  /// configuration does not have.
  private func isUnknown(_ speaker: Speaker) -> Bool {
    !nodes.isEmpty && !nodes.contains(speaker.source) && !speaker.source.isLinkLocal
  }
}

func judgeReversePath(_ facts: Facts) -> [Finding] {
  facts.routers.compactMap { router in
    guard let filter = router.reversePathFilter else { return nil }
    let others = facts.interfacesWithIPv4.filter { $0 != router.interface }
    guard filter == 1, !others.isEmpty else {
      return Finding("reverse path", router.name, .ok, "rp_filter of \(router.interface) is \(filter)")
    }
    return Finding(
      "reverse path", router.name, .warning,
      "rp_filter of \(router.interface) is 1 (strict) and \(others.joined(separator: ", ")) has an address too: clients are dropped that the routes lead back by another interface",
      fix: "sysctl -w net.ipv4.conf.\(router.interface).rp_filter=2, if clients come from such networks")
  }
}

func judgeManagers(_ facts: Facts) -> [Finding] {
  facts.routers.compactMap { router in
    guard router.link != .missing else { return nil }
    guard let manager = router.manager else {
      return Finding("network manager", router.name, .ok, "none manages \(router.interface)")
    }
    guard manager == "systemd-networkd", !router.keepsAddresses else {
      return Finding(
        "network manager", router.name, .ok,
        "\(manager) manages \(router.interface); it leaves the virtual address alone")
    }
    return Finding(
      "network manager", router.name, .warning,
      "\(manager) manages \(router.interface), and may remove the virtual address when it is restarted; it is put back at once",
      fix: "KeepConfiguration=yes in the [Network] section of its file")
  }
}

extension VirtualAddress {
  /// Whether the other address is in the same network.
  fileprivate func contains(_ other: IPAddress) -> Bool {
    guard address.family == other.family else { return false }
    return IPPrefix(containing: address, length: Int(prefixLength))?.contains(other) ?? false
  }
}

extension IPAddress {
  /// fe80::/10 (RFC 4291 §2.5.6).
  fileprivate var isLinkLocal: Bool { family == .v6 && high >> 54 == 0xfe80 >> 6 }
}
