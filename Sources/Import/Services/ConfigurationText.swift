import Wire

/// Writes what was imported as a configuration file with comments.
struct ConfigurationText {
  private static let order = [
    "service", "mode", "listen", "redirect", "relay", "tls", "servers", "trust", "server-tls-profile", "health",
    "affinity", "forwarded", "access", "headers", "hsts", "requests", "pool", "timeouts", "retries", "errors", "limits",
    "services",
    "server-state-file", "log", "threads", "vrrp", "pair",
  ]

  private let services: [ServiceDraft]
  private let shared: YAMLMapping
  private let routers: YAMLNode?

  init(_ services: [ServiceDraft], shared: YAMLMapping, routers: YAMLNode?) {
    (self.services, self.shared, self.routers) = (services, shared, routers)
  }

  /// `head`: comments above everything.
  func text(head: [String]) -> String {
    var writer = YAMLWriter()
    for line in head { writer.comment(line) }
    var root = YAMLMapping()
    if services.count == 1 {
      root = Self.mapping(of: services[0])
    } else {
      for service in services {
        root.set(["services", service.name], .mapping(Self.mapping(of: service).sorted(by: Self.order)))
      }
    }
    for entry in Self.withoutDefaults(shared, []).entries {
      guard case .mapping(let inner) = entry.node else {
        root.set([entry.key], entry.node)
        continue
      }
      for item in inner.entries { root.set([entry.key, item.key], item.node) }
    }
    if let routers { root.set(["vrrp"], routers) }
    writer.write(root.sorted(by: Self.order))
    let absent = services.flatMap { service in
      service.servers.filter(\.isDisabled).map { (service, $0) }
    }
    for (service, server) in absent {
      let owner = services.count == 1 ? "servers" : "services.\(service.name).servers"
      let port = server.port == 443 ? "" : ":\(server.port)"
      writer.comment(
        "Disabled in haproxy.cfg, for \(owner): \(server.name): \(server.address.map { "\($0)" } ?? server.target)\(port)"
      )
    }
    return writer.text
  }

  private static func mapping(of service: ServiceDraft) -> YAMLMapping {
    var mapping = withoutDefaults(service.settings, [])
    mapping.set(["service"], list(service.hosts))
    if service.isPassthrough { mapping.set(["mode"], .scalar("passthrough")) }
    if service.listeners != ["443"] { mapping.set(["listen"], list(service.listeners)) }
    if !service.relayed.isEmpty { mapping.set(["relay", "tcp"], list(service.relayed.map(String.init))) }
    for server in service.servers where !server.isDisabled {
      let (node, comment) = node(of: server)
      mapping.set(
        ["servers"],
        {
          var servers = YAMLMapping()
          if case .mapping(let others)? = mapping["servers"] { servers = others }
          servers.set([server.name], node, comment: comment)
          return .mapping(servers)
        }())
    }
    return mapping
  }

  private static func node(of server: ServerDraft) -> (YAMLNode, comment: String?) {
    // An address for documentation, which leads nowhere.
    let address = server.address.map { "\($0)" } ?? "192.0.2.1"
    let comment = server.address == nil ? "CHANGE: the IP address of \(server.target)" : nil
    let isV6 = address.contains(":")
    if server.settings.isEmpty, server.hosts.isEmpty, server.ports.isEmpty {
      guard server.port != 443 else { return (.scalar(address), comment) }
      return (.scalar(isV6 ? "[\(address)]:\(server.port)" : "\(address):\(server.port)"), comment)
    }
    var mapping = YAMLMapping()
    mapping.set(["address"], .scalar(address))
    if server.port != 443 { mapping.set(["port"], .scalar("\(server.port)")) }
    for entry in server.settings.entries { mapping.set([entry.key], entry.node) }
    if !server.hosts.isEmpty { mapping.set(["names"], list(server.hosts)) }
    if !server.ports.isEmpty { mapping.set(["ports"], list(server.ports.map(String.init))) }
    return (.mapping(mapping), comment)
  }

  private static func list(_ items: [String]) -> YAMLNode {
    items.count == 1 ? .scalar(items[0]) : .list(items.map { .scalar($0) })
  }

  /// A configuration says only what differs from the defaults.
  private static func withoutDefaults(_ mapping: YAMLMapping, _ path: [String]) -> YAMLMapping {
    var rest = YAMLMapping()
    for entry in mapping.entries {
      let path = path + [entry.key]
      switch entry.node {
      case .scalar(let text) where Standards.values[path.joined(separator: ".")] == text: break
      case .mapping(let inner):
        let remaining = withoutDefaults(inner, path)
        if !remaining.isEmpty { rest.set([entry.key], .mapping(remaining), comment: entry.comment) }
      default: rest.set([entry.key], entry.node, comment: entry.comment)
      }
    }
    return rest
  }
}
