import Domain

/// A virtual router that is being imported.
struct RouterDraft: Sendable {
  let name: String
  var group: String?
  /// Values of keys that may differ, by node.
  var byHost: [String: [(host: String, value: YAMLNode)]] = [:]
  /// The addresses with their prefix lengths.
  var addresses: [String] = []
  var peers: [String] = []
  var tracks: [YAMLNode] = []
  var hooks: [String] = []
  var hasMail = false
  /// Everything else.
  var settings = YAMLMapping()

  /// Whether an address is of IPv6.
  static func isV6(_ address: String) -> Bool { address.contains(":") }

  /// Sets a value of a node.
  mutating func set(_ key: String, _ value: YAMLNode, of host: String) {
    byHost[key, default: []].removeAll { $0.host == host }
    byHost[key, default: []].append((host, value))
  }

  /// Gives the nodes that have no value of the key this one.
  mutating func complete(_ key: String, with value: YAMLNode, on hosts: [String]) {
    let known = byHost[key] ?? []
    byHost[key] = hosts.map { host in (host, known.first { $0.host == host }?.value ?? value) }
  }

  /// The `vrrp` sections: one for each family of addresses.
  func sections(mail: YAMLNode?) -> [YAMLMapping] {
    let families = [addresses.filter { !Self.isV6($0) }, addresses.filter { Self.isV6($0) }].filter { !$0.isEmpty }
    return families.enumerated().map { index, addresses in
      section(addresses, isOnly: families.count == 1, name: index == 0 ? name : name + "-v6", mail: mail)
    }
  }

  private func section(_ addresses: [String], isOnly: Bool, name: String, mail: YAMLNode?) -> YAMLMapping {
    let isV6 = addresses.first.map { Self.isV6($0) } ?? false
    var section = YAMLMapping()
    section.set(["interface"], value("interface") ?? .scalar("eth0"))
    section.set(["router"], settings["router"] ?? .scalar("1"))
    let priorities = byHost["priority"] ?? []
    // A file of keepalived's is one node's, unless it has conditions.
    let advice =
      "this node's; `import --other-node` adds the other one's, as in { \(priorities.first?.host ?? "lb1"): 101, OTHER: 100 }"
    section.set(["priority"], value("priority") ?? .scalar("100"), comment: priorities.count == 1 ? advice : nil)
    section.set(["address"], addresses.count == 1 ? .scalar(addresses[0]) : .list(addresses.map { .scalar($0) }))
    if ServerName.isValid(name) { section.set(["name"], .scalar(name)) }
    if let group = group ?? (isOnly ? nil : self.name) { section.set(["group"], .scalar(group)) }
    let sources = (byHost["source"] ?? []).filter { isFamily($0.value, isV6) }
    if let source = Self.merged(sources) { section.set(["source"], source) }
    var own: [String] = []
    for peer in peers where Self.isV6(peer) == isV6 && !own.contains(peer) { own.append(peer) }
    if !own.isEmpty { section.set(["peers"], .list(own.map { .scalar($0) })) }
    for key in ["interval", "preempt", "preempt-delay"] {
      if let value = settings[key], Standards.values["vrrp." + key].map({ .scalar($0) }) != value {
        section.set([key], value)
      }
    }
    if !tracks.isEmpty { section.set(["track"], tracks.count == 1 ? tracks[0] : .list(tracks)) }
    if !hooks.isEmpty {
      section.set(["notify"], hooks.count == 1 ? .scalar(hooks[0]) : .list(hooks.map { .scalar($0) }))
    }
    if hasMail, let mail { section.set(["mail"], mail) }
    return section
  }

  private func isFamily(_ node: YAMLNode, _ isV6: Bool) -> Bool {
    if case .scalar(let text) = node { Self.isV6(text) == isV6 } else { false }
  }

  private func value(_ key: String) -> YAMLNode? { Self.merged(byHost[key] ?? []) }

  /// One value if all nodes have the same, or one for each.
  private static func merged(_ values: [(host: String, value: YAMLNode)]) -> YAMLNode? {
    guard let first = values.first else { return nil }
    if values.allSatisfy({ $0.value == first.value }) { return first.value }
    var mapping = YAMLMapping()
    for (host, value) in values { mapping.set([host], value) }
    return .mapping(mapping)
  }
}
