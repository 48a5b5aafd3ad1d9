/// Routes to servers that a service has already.
extension HAProxyImport {
  /// Adds the route to a service that has the same servers, if it can be.
  mutating func join(
    _ route: Route, _ frontend: Proxy, _ backend: Proxy, _ lines: [ServerLine], _ binds: [BindLine]
  ) -> Bool {
    let ports = binds.flatMap(\.ports).distinct
    for index in drafts.indices {
      let draft = drafts[index]
      let isSamePlace = draft.frontend == route.frontend
      if isSamePlace, draft.backend == route.backend {
        drafts[index].hosts += newNames(route.hosts)
        return true
      }
      if isSamePlace, !route.hosts.isEmpty, !draft.isPassthrough,
        let server = sameServer(lines, frontend, backend, route, in: index)
      {
        drafts[index].servers[server].hosts += newNames(route.hosts)
        settleJoined(backend, route, index, .taken("servers.\(draft.servers[server].name).names"))
        return true
      }
      guard !isSamePlace, !ports.isEmpty, route.hosts.isEmpty, canListen(draft, binds, ports) else { continue }
      if frontend.isTCP, !binds.contains(where: \.isSecure), !lines.contains(where: { $0.has("ssl") }),
        draft.hasServers(lines), lines.allSatisfy({ line in ports == [line.port ?? ports[0]] || line.port == nil })
      {
        drafts[index].relayed += ports
        settle(binds, .taken("relay.tcp of the same servers"))
        let verdict = Verdict.taken("relay.tcp: the server of the client's address")
        settleJoined(frontend, route, index, verdict, isRelay: true)
        if route.backend != route.frontend { settleJoined(backend, route, index, verdict, isRelay: true) }
        return true
      }
      if frontend.isTCP == draft.isPassthrough, draft.servers.count > 1, Self.hasCertificates(of: draft, binds),
        let server = sameServer(lines, frontend, backend, route, in: index)
      {
        drafts[index].servers[server].ports += ports
        let verdict = Verdict.taken("servers.\(draft.servers[server].name).ports")
        settle(binds, verdict)
        settleJoined(frontend, route, index, verdict)
        if route.backend != route.frontend { settleJoined(backend, route, index, verdict) }
        return true
      }
    }
    return false
  }

  private mutating func settle(_ binds: [BindLine], _ verdict: Verdict) {
    for bind in binds {
      ledger.settle(bind.head, verdict)
      for parameter in bind.parameters where parameter.name == "crt" {
        ledger.settle(parameter.range, .taken("the certificate of the service"))
      }
      settleUnused(bind)
    }
  }

  /// Whether listeners show the same certificates as the service's, and ask for the same.
  private static func hasCertificates(of draft: ServiceDraft, _ binds: [BindLine]) -> Bool {
    func certificates(_ bind: BindLine) -> [[String]] {
      bind.parameters.filter { ["crt", "verify", "ca-file", "crl-file"].contains($0.name) }.map {
        [$0.name] + $0.arguments
      }
    }
    guard let own = draft.binds.first.map(certificates) else { return false }
    return binds.allSatisfy { $0.isSecure == !draft.isPassthrough && certificates($0) == own }
  }

  /// The server of a service that is the only one of these lines, and is verified in the same way.
  private func sameServer(
    _ lines: [ServerLine], _ frontend: Proxy, _ backend: Proxy, _ route: Route, in index: Int
  ) -> Int? {
    let draft = drafts[index]
    guard lines.count == 1, let line = lines.first,
      let server = draft.servers.firstIndex(where: { $0.address == line.address && $0.port == line.port ?? 443 }),
      let other = apart(route).servers.first
    else { return nil }
    let known = draft.servers[server]
    let trust = known.settings["trust"] ?? draft.settings["trust"]
    let otherTrust = other.settings["trust"] ?? apart(route).settings["trust"]
    return trust == otherTrust && known.settings["tls-profile"] == other.settings["tls-profile"] ? server : nil
  }

  /// What the route would be as a service of its own. Nothing is settled.
  private func apart(_ route: Route) -> ServiceDraft {
    var scratch = self
    let (frontend, backend) = (proxies[route.frontend], proxies[route.backend])
    let lines = serverLines(of: backend)
    var draft = ServiceDraft(
      name: backend.name, frontend: route.frontend, backend: route.backend,
      isPassthrough: Self.isPassthrough(frontend, lines))
    draft.binds = frontend.binds
    scratch.read(into: &draft, frontend, backend, lines)
    return draft
  }

  /// Whether a service can listen on these ports too: at all of its addresses, and nothing else does.
  private func canListen(_ draft: ServiceDraft, _ binds: [BindLine], _ ports: [UInt16]) -> Bool {
    let addresses = Set(binds.flatMap(\.places).map(\.address))
    guard addresses == Set(draft.binds.flatMap(\.places).map(\.address)) else { return false }
    let taken = Set(drafts.flatMap { $0.binds.flatMap(\.ports) + $0.relayed + $0.servers.flatMap(\.ports) })
    return taken.union(redirects.flatMap(\.ports)).isDisjoint(with: ports)
  }

  func newNames(_ names: [String]) -> [String] {
    let taken = Set(drafts.flatMap { $0.hosts + $0.servers.flatMap(\.hosts) })
    return names.filter { !taken.contains($0) }
  }

  /// Settles the lines of a proxy whose servers another service has: as far as that has the same values.
  private mutating func settleJoined(
    _ proxy: Proxy, _ route: Route, _ index: Int, _ verdict: Verdict, isRelay: Bool = false
  ) {
    let other = apart(route)
    if isRelay, chooseTunnel(of: other, index) {
      for line in proxy.inherited where Self.limitsRelays(line) {
        ledger.settle(line.range, .taken("timeouts.tunnel, for relayed ports"))
      }
    }
    let difference = Difference(one: other, service: drafts[index], isRelay: isRelay)
    let carried: Set = [
      "mode", "balance", "stick-table", "stick", "timeout", "server", "default-server", "default_backend",
      "hash-type", "maxconn", "retries", "option", "http-check", "tcp-check", "cookie", "log",
    ]
    for line in proxy.own where carried.contains(line.words[0]) {
      if difference.concerns(line) {
        ledger.settle(line.range, .impossible("the service with the same servers has another value: choose one"))
      } else if ["server", "default-server", "default_backend"].contains(line.words[0]) {
        ledger.settle(line.range, verdict)
      } else if Difference.isCheck(line), isRelay {
        ledger.settle(line.range, .notNeeded("the service checks its servers: health"))
      } else if line.words[0] == "timeout", isRelay {
        ledger.settle(line.range, .taken("timeouts.tunnel"))
      } else if DirectiveTable.verdict(on: line.words) == nil {
        ledger.settle(line.range, .notNeeded("the service with the same servers has it"))
      }
    }
  }

  /// Connections that are relayed have the time-out of tunnels. False if the service has one already.
  private mutating func chooseTunnel(of other: ServiceDraft, _ index: Int) -> Bool {
    let path = ["timeouts", "tunnel"]
    guard drafts[index].settings.node(at: path) == nil, let node = other.settings.node(at: path) else { return false }
    drafts[index].settings.set(path, node)
    return true
  }

  private static func limitsRelays(_ line: Statement) -> Bool {
    line.words[0] == "timeout" && ["client", "server", "tunnel"].contains(line[1] ?? "")
  }
}

/// What two services with the same servers do not have in common.
private struct Difference {
  let one: ServiceDraft
  let service: ServiceDraft
  let isRelay: Bool

  static func isCheck(_ line: Statement) -> Bool {
    ["http-check", "tcp-check"].contains(line.words[0])
      || line.words[0] == "option" && (line[1]?.hasSuffix("chk") == true || line[1]?.hasSuffix("-check") == true)
      || line.begins(with: ["timeout", "check"])
  }

  func concerns(_ line: Statement) -> Bool {
    if Self.isCheck(line) {
      return !isRelay && ["check", "path", "method", "host", "expect", "timeout"].contains { differs("health.\($0)") }
    }
    switch line.words[0] {
    case "timeout" where isRelay:
      return ["client", "server", "tunnel"].contains(line[1] ?? "") && differs("timeouts.tunnel")
    case "timeout": return differs("timeouts.\(line[1] == "http-keep-alive" ? "keep-alive" : line[1] ?? "")")
    case "retries": return differs("retries")
    case "maxconn": return true
    case "stick-table", "stick", "cookie": return ["by", "hold", "entries"].contains { differs("affinity.\($0)") }
    case "server", "default-server":
      let health = ["interval", "rise", "fall", "slow-start"]
      let words: Set = ["inter", "rise", "fall", "slowstart"]
      return line.words.contains { words.contains($0) } && !isRelay && health.contains { differs("health.\($0)") }
        || serversDiffer
    default: return false
    }
  }

  private func differs(_ key: String) -> Bool {
    let path = key.split(separator: ".").map(String.init)
    func value(_ draft: ServiceDraft) -> YAMLNode? {
      draft.settings.node(at: path) ?? Standards.values[key].map { .scalar($0) }
    }
    return value(one) != value(service)
  }

  private var serversDiffer: Bool {
    one.servers.contains { server in
      guard let other = service.servers.first(where: { $0.address == server.address }) else { return true }
      let keys = ["backup", "connections", "weight", "send-proxy-v2"] + (isRelay ? [] : ["server-name"])
      return other.isDisabled != server.isDisabled || keys.contains { other.settings[$0] != server.settings[$0] }
    }
  }
}
