import Wire

/// The names of the services, and where they redirect.
extension HAProxyImport {
  /// Completes the host names of all services: each needs one.
  mutating func finishNames() {
    for index in drafts.indices where drafts[index].isDefault {
      let proxy = proxies[drafts[index].frontend]
      drafts[index].hosts += newNames(proxy.lines.flatMap { proxy.refusesOthers(than: $0) ?? [] })
    }
    let isDefault = drafts.firstIndex { draft in
      proxies[draft.frontend].usedBackends.allSatisfy { !$0.words.contains("if") } || draft.hosts.isEmpty
    }
    if let name = options.service, let index = isDefault ?? drafts.indices.first {
      drafts[index].hosts = [name.lowercased()] + drafts[index].hosts.filter { $0 != name.lowercased() }
      for other in drafts.indices where other != index { drafts[other].hosts.removeAll { $0 == name.lowercased() } }
    }
    for index in drafts.indices where drafts[index].hosts.isEmpty {
      drafts[index].hosts = guessedNames(of: drafts[index])
      if drafts[index].hosts.isEmpty { nameWithoutHint(index) }
    }
    for index in drafts.indices {
      let unique = drafts[index].hosts.distinct
      drafts[index].hosts = unique
      let canonical = unique.first
      for server in drafts[index].servers.indices
      where drafts[index].servers[server].settings["server-name"] == canonical.map({ .scalar($0) }) {
        drafts[index].servers[server].settings.remove("server-name")
      }
      if case .scalar(let host) = drafts[index].settings.node(at: ["health", "host"]), host == canonical {
        drafts[index].settings = drafts[index].settings.removing(["health", "host"])
      }
    }
  }

  /// A port of its own is reached by the name of another service; otherwise a person must name it.
  private mutating func nameWithoutHint(_ index: Int) {
    let sharesPort = drafts.indices.contains { other in
      other != index && drafts[other].binds.contains { bind in drafts[index].binds.contains { $0.overlaps(bind) } }
    }
    let addresses = Set(drafts[index].binds.flatMap(\.places).map(\.address))
    let neighbour = drafts.first { other in
      !other.hosts.isEmpty && !addresses.isDisjoint(with: other.binds.flatMap(\.places).map(\.address))
    }
    if !sharesPort, let name = neighbour?.hosts.first {
      drafts[index].hosts = [name]
      return
    }
    let name = newNames(["view.domain.local"]).first ?? "view-\(index + 1).domain.local"
    drafts[index].hosts = [name]
    remarks.append(
      drafts.count == 1
        ? "service: the host name that clients use, instead of \(name) (or: --service NAME)"
        : "service of \(drafts[index].name): the host name that clients use, instead of \(name)")
  }

  /// Names that the files mention for a service: in rules about Host, redirects, and what servers are called.
  private func guessedNames(of draft: ServiceDraft) -> [String] {
    let proxy = proxies[draft.frontend]
    var refused: Set<String> = []
    for line in proxy.lines where line.words[0] == "http-request" || line.words[0] == "redirect" {
      if case .hosts(let hosts) = proxy.conditions.condition(of: line).0 { refused.formUnion(hosts) }
    }
    var names: [String] = []
    for line in proxy.lines where line.words[0] == "acl" {
      if case .hosts(let hosts) = proxy.conditions.meaning(of: line[1] ?? "") {
        names += hosts.filter { !refused.contains($0) }
      }
    }
    if names.isEmpty {
      names = redirects.filter { bind in
        bind.places.contains { place in draft.binds.contains { $0.places.contains { $0.address == place.address } } }
      }.compactMap { redirectRules[$0.statement.range.lowerBound].flatMap { RedirectRule($0)?.host } }
    }
    if names.isEmpty {
      let servers = draft.servers.map { $0.settings["server-name"] }
      if let first = servers.first, case .scalar(let name)? = first, servers.allSatisfy({ $0 == first }) {
        names = [name]
      }
    }
    return newNames(names)
  }

  /// Notes what HAProxy would do by default, and Belvedere does not.
  mutating func noteDifferences() {
    let served = drafts.filter { !$0.isPassthrough }
    func name(_ drafts: [ServiceDraft]) -> String {
      servingCount > 1 ? " (\(drafts.map(\.name).joined(separator: ", ")))" : ""
    }
    let unnamed = served.filter { draft in
      ![draft.frontend, draft.backend].contains { proxies[$0].hasOption("forwardfor") }
    }
    if !unnamed.isEmpty {
      notes.append(
        "servers get X-Forwarded-For, -Proto and -Host, which haproxy.cfg does not add\(name(unnamed)); `forwarded: { add: false }` adds none"
      )
    }
    let unexpected = served.filter { draft in
      let backend = proxies[draft.backend]
      return backend.hasOption("httpchk")
        && [nil, .scalar("https")].contains(draft.settings.node(at: ["health", "check"]))
        && draft.settings.node(at: ["health", "expect"]) == nil && backend.all("http-check", "expect").isEmpty
    }
    if !unexpected.isEmpty {
      notes.append(
        "a check expects status 200, where HAProxy takes any 2xx and 3xx\(name(unexpected)); `health: { expect: [200, 302] }` names others"
      )
    }
  }

  /// Decides where a service redirects plain http.
  mutating func addRedirect(to index: Int) {
    let draft = drafts[index]
    let addresses = Set(draft.binds.flatMap(\.places).map(\.address))
    let takesRedirects = draft.binds.contains { $0.ports.contains(443) } || !draft.isPassthrough
    // A wildcard serves every service; an address those that listen on it.
    let mine =
      takesRedirects
      ? redirects.filter { bind in
        bind.places.contains { $0.address == nil || addresses.contains($0.address) || addresses.contains(nil) }
      } : []
    var listeners: [String] = []
    for listener in mine.flatMap(\.listeners) where !listeners.contains(listener) && !draft.listeners.contains(listener)
    {
      listeners.append(listener)
    }
    guard !listeners.isEmpty else {
      drafts[index].settings.set(["redirect"], .scalar("off"))
      return
    }
    settleRedirects(of: mine, to: index)
    var standard: [String] = []
    for place in draft.binds.flatMap(\.places) {
      let text = BindLine.Place(address: place.address, ports: 80...80).text(port: 80)
      if !standard.contains(text) { standard.append(text) }
    }
    for bind in mine {
      ledger.settle(
        bind.head,
        listeners == standard
          ? .standard("redirect: port 80") : .taken("redirect.listen: \(listeners.joined(separator: ", "))"))
    }
    guard listeners != standard else { return }
    drafts[index].settings.set(
      ["redirect", "listen"], listeners.count == 1 ? .scalar(listeners[0]) : .list(listeners.map { .scalar($0) }))
  }
}
