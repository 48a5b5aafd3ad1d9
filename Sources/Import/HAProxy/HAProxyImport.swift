import Domain
import Wire

/// Turns haproxy.cfg into services. Each line is settled by what the services make of it.
struct HAProxyImport: Sendable {
  /// More services than the configuration may have are not imported.
  static let mostServices = 64

  var ledger = Ledger()
  let proxies: [Proxy]
  let globals: [Statement]
  let options: ImportOptions
  /// What all services share.
  var shared = YAMLMapping()
  var drafts: [ServiceDraft] = []
  /// What a person has to fill in, beside what findings say.
  var remarks: [String] = []
  /// Plain http listeners that redirect to https.
  var redirects: [BindLine] = []
  /// The backends that services have.
  private var consumed: Set<Int> = []
  /// Fixed targets of redirects.
  var locations: [String] = []
  private let others: [HAProxyFile.Section]
  private let unusedDefaults: [Statement]

  init(_ source: SourceFile, _ options: ImportOptions) {
    let file = HAProxyFile(source, environment: options.environment, &ledger)
    (proxies, unusedDefaults) = Proxy.all(in: file)
    globals = file.sections.filter { $0.kind == "global" }.flatMap(\.lines)
    others = file.sections.filter { !["global", "defaults", "frontend", "backend", "listen"].contains($0.kind) }
    self.options = options
    readGlobals()
    readProxies()
    settleOthers()
  }

  /// The sections that no service comes from.
  private mutating func settleOthers() {
    let verdicts: [String: Verdict] = [
      "peers": .notNeeded("both nodes find the same server for an address; `pair` shares the rest (docs/pair.md)"),
      "resolvers": .notNeeded("servers have IP addresses"),
      "mailers": .impossible("watch the log, or `belvedere status --json`"),
      "cache": .notNeeded("answers are not cached"),
      "userlist": .impossible("the servers ask for passwords"),
      "program": .impossible("start the program by a systemd unit of its own"),
      "ring": .notNeeded("the journal buffers the log"),
      "log-forward": .impossible("let rsyslog or the journal forward the log"),
      "traces": .notNeeded("`log: { level: debug }`"),
      "log-profile": .notNeeded("the access log has fixed fields"),
    ]
    for section in others {
      let verdict = verdicts[section.kind] ?? .impossible("there is no `\(section.kind)`")
      for line in section.lines { ledger.settle(line.range, verdict) }
    }
    for line in unusedDefaults { ledger.settleRest(of: line.range, .notNeeded("no section uses it")) }
    for (index, proxy) in proxies.enumerated() where proxy.kind == "backend" && !consumed.contains(index) {
      for line in proxy.own {
        ledger.settleRest(of: line.range, .notNeeded("no frontend uses the backend"))
      }
    }
    for proxy in proxies {
      for line in proxy.lines {
        guard let verdict = DirectiveTable.verdict(on: line.words) else { continue }
        ledger.settleRest(of: line.range, verdict)
      }
    }
  }

  // MARK: - From proxies to services

  /// A backend that a frontend uses, and for which names.
  private struct Route {
    let frontend: Int
    let backend: Int
    /// Empty for the default.
    var hosts: [String]
  }

  private mutating func readProxies() {
    var routes: [Route] = []
    for index in proxies.indices where proxies[index].takesClients {
      let proxy = proxies[index]
      let binds = proxy.binds
      let found = self.routes(of: index)
      if isRedirect(proxy, binds) {
        redirects += binds
        for line in proxy.usedBackends { ledger.settle(line.range, .notNeeded("every request is redirected")) }
        settleRedirecting(proxy)
      } else if found.isEmpty {
        settleWithoutBackend(proxy)
      } else {
        routes += found
      }
    }
    // Services that others may join come first: https, then port 443, then the rest; defaults before names.
    let ranked = routes.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }
    for (_, route) in ranked { add(route) }
    finishNames()
    for index in drafts.indices { addRedirect(to: index) }
    for bind in redirects where !ledger.isSettled(bind.head) {
      ledger.settle(bind.head, .impossible("no service takes this redirect"))
    }
  }

  private func rank(_ route: Route) -> Int {
    let frontend = proxies[route.frontend]
    let binds = frontend.binds
    let kind =
      !frontend.isTCP && binds.contains(where: \.isSecure) ? 0 : binds.contains { $0.ports.contains(443) } ? 2 : 4
    return kind + (route.hosts.isEmpty ? 0 : 1)
  }

  private mutating func routes(of index: Int) -> [Route] {
    let proxy = proxies[index]
    var routes: [Route] = []
    for line in proxy.usedBackends {
      guard let backend = proxies.firstIndex(where: { $0.kind != "frontend" && $0.name == line.words[1] }) else {
        ledger.settle(line.range, .impossible("there is no backend `\(line.words[1])`"))
        continue
      }
      switch proxy.conditions.condition(of: line) {
      case .always:
        guard !routes.contains(where: { $0.hosts.isEmpty }) else {
          // The first that applies wins; default_backend comes last wherever it is.
          ledger.settle(line.range, .notNeeded("another backend takes all requests"))
          continue
        }
        routes.append(Route(frontend: index, backend: backend, hosts: []))
        ledger.settle(line.range, .taken("the servers of the service"))
      case .hosts(let names):
        routes.append(Route(frontend: index, backend: backend, hosts: names))
        ledger.settle(line.range, .taken("by name, from Host or SNI"))
      case .secure, .plain, .other:
        ledger.settle(
          line.range,
          .impossible("only names in Host or SNI and ports select servers: see `services` and `servers.NAME`"))
      }
    }
    if proxy.hasServers, !routes.contains(where: { $0.hosts.isEmpty }) {
      routes.append(Route(frontend: index, backend: index, hosts: []))
    }
    return routes.filter { proxies[$0.backend].hasServers }
  }

  /// Whether a frontend does nothing but redirect to https.
  private func isRedirect(_ proxy: Proxy, _ binds: [BindLine]) -> Bool {
    guard !proxy.isTCP, !binds.contains(where: \.isSecure) else { return false }
    return proxy.lines.contains { line in
      guard let rule = RedirectRule(line), rule.leadsToHTTPS else { return false }
      let criterion = proxy.conditions.condition(of: line)
      return criterion == .always || criterion == .plain
    }
  }

  private mutating func settleRedirecting(_ proxy: Proxy) {
    for line in proxy.lines {
      switch line.words[0] {
      case "bind": settleUnused(BindLine(line))
      case "mode", "timeout", "maxconn", "option", "log", "acl", "errorfile", "retries", "balance":
        if proxy.own.contains(where: { $0.range == line.range }) {
          ledger.settle(line.range, .notNeeded("the section only redirects"))
        }
      default:
        var location: String?
        settleRedirectRule(line, location: &location, isPlain: true)
        if let location { locations.append(location) }
      }
    }
  }

  private mutating func settleWithoutBackend(_ proxy: Proxy) {
    let isStatistics = proxy.lines.contains { $0.words[0] == "stats" || $0.words.contains("prometheus-exporter") }
    for line in proxy.own {
      ledger.settle(
        line.range,
        isStatistics
          ? .notNeeded("`belvedere status` shows it")
          : .impossible("the section has no servers; Belvedere serves no answers of its own"))
    }
  }

  // MARK: - One service

  private mutating func add(_ route: Route) {
    let (frontend, backend) = (proxies[route.frontend], proxies[route.backend])
    let lines = serverLines(of: backend)
    let binds = frontend.binds
    consumed.insert(route.backend)
    if join(route, frontend, backend, lines, binds) { return }
    guard drafts.count < Self.mostServices else {
      for line in backend.own { ledger.settle(line.range, .impossible("there may be \(Self.mostServices) services")) }
      return
    }
    let hasSecureBind = binds.contains(where: \.isSecure)
    let isPassthrough = frontend.isTCP && !hasSecureBind || !hasSecureBind && !lines.contains { $0.has("ssl") }
    var draft = ServiceDraft(
      name: uniqueName(route.hosts.isEmpty && route.frontend != route.backend ? frontend.name : backend.name),
      frontend: route.frontend, backend: route.backend, isPassthrough: isPassthrough)
    draft.hosts = newNames(route.hosts)
    draft.binds = (hasSecureBind ? binds.filter(\.isSecure) : binds).filter {
      !$0.places.isEmpty && !isTaken($0, of: route.frontend)
    }
    for bind in binds where bind.places.isEmpty {
      ledger.settle(bind.head, .impossible("write an address and port under `listen`"))
    }
    for bind in binds where isTaken(bind, of: route.frontend) {
      ledger.settle(bind.statement.range, .impossible("another section listens there: write one of them"))
    }
    guard !draft.binds.isEmpty else {
      for line in frontend.own { ledger.settleRest(of: line.range, .impossible("the section listens nowhere")) }
      return
    }
    if hasSecureBind { addPlain(binds.filter { !$0.isSecure }, of: route.frontend) }
    read(into: &draft, frontend, backend, lines)
    drafts.append(draft)
  }

  /// Plain http listeners beside https in one section.
  private mutating func addPlain(_ binds: [BindLine], of index: Int) {
    for bind in binds
    where !redirects.contains(where: { $0.statement.range == bind.statement.range }) && !isTaken(bind, of: index)
      && !proxies[index].binds.contains(where: { $0.isSecure && $0.overlaps(bind) })
    {
      redirects.append(bind)
      settleUnused(bind)
      let redirects = proxies[index].lines.contains { RedirectRule($0)?.leadsToHTTPS == true }
      if !redirects {
        ledger.settle(bind.head, .impossible("plain http is answered with a redirect to https; clients must use that"))
      }
    }
  }

  /// Whether another section listens where a line of this one does.
  private func isTaken(_ bind: BindLine, of frontend: Int) -> Bool {
    let others = drafts.filter { $0.frontend != frontend }
    let extra = Set(drafts.flatMap { $0.relayed + $0.servers.flatMap(\.ports) })
    return redirects.contains { $0.statement.range != bind.statement.range && $0.overlaps(bind) }
      || others.contains { $0.binds.contains { $0.overlaps(bind) } } || !extra.isDisjoint(with: bind.ports)
  }

  private func uniqueName(_ wanted: String) -> String {
    var name = String(
      String.UnicodeScalarView(
        wanted.unicodeScalars.prefix(48).map { $0.isASCII && ServerName.isValid(String($0)) ? $0 : "-" }))
    if !ServerName.isValid(name) { name = "service" }
    var number = 2
    let first = name
    while drafts.contains(where: { $0.name == name }) {
      name = "\(first)-\(number)"
      number += 1
    }
    return name
  }

  /// Adds the route to a service that has the same servers, if it can be.
  private mutating func join(
    _ route: Route, _ frontend: Proxy, _ backend: Proxy, _ lines: [ServerLine], _ binds: [BindLine]
  ) -> Bool {
    var ports: [UInt16] = []
    for port in binds.flatMap(\.ports) where !ports.contains(port) { ports.append(port) }
    for index in drafts.indices {
      let draft = drafts[index]
      let isSamePlace = draft.frontend == route.frontend
      if isSamePlace, !route.hosts.isEmpty, !draft.isPassthrough, lines.count == 1, let line = lines.first,
        let server = draft.servers.firstIndex(where: { $0.address == line.address && $0.port == line.port ?? 443 })
      {
        drafts[index].servers[server].hosts += newNames(route.hosts)
        settleJoined(backend, .taken("servers.\(draft.servers[server].name).names"))
        return true
      }
      if isSamePlace, draft.backend == route.backend {
        drafts[index].hosts += newNames(route.hosts)
        return true
      }
      guard !isSamePlace, !ports.isEmpty, route.hosts.isEmpty, canListen(draft, binds, ports) else { continue }
      if frontend.isTCP, draft.hasServers(lines),
        lines.allSatisfy({ line in ports == [line.port ?? ports[0]] || line.port == nil })
      {
        drafts[index].relayed += ports
        for bind in binds {
          ledger.settle(bind.head, .taken("relay.tcp of the same servers"))
          settleUnused(bind)
        }
        settleJoined(frontend, .taken("relay.tcp: the server of the client's address"))
        if route.backend != route.frontend {
          settleJoined(backend, .taken("relay.tcp: the server of the client's address"))
        }
        return true
      }
      if frontend.isTCP == draft.isPassthrough, draft.servers.count > 1, lines.count == 1, let line = lines.first,
        let server = draft.servers.firstIndex(where: { $0.address == line.address && $0.port == line.port ?? 443 }),
        certificates(of: binds).isSubset(of: certificates(of: draft.binds))
      {
        drafts[index].servers[server].ports += ports
        for bind in binds {
          ledger.settle(bind.head, .taken("servers.\(draft.servers[server].name).ports"))
          settleUnused(bind)
        }
        settleJoined(frontend, .taken("servers.\(draft.servers[server].name).ports"))
        if route.backend != route.frontend { settleJoined(backend, .taken("servers.\(draft.servers[server].name)")) }
        return true
      }
    }
    return false
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

  /// Settles the lines of a proxy whose servers another service has. Rules of its own are not carried over.
  private mutating func settleJoined(_ proxy: Proxy, _ verdict: Verdict) {
    let carried: Set = [
      "mode", "balance", "stick-table", "stick", "timeout", "server", "default-server", "default_backend",
      "hash-type", "maxconn", "retries", "option", "http-check", "tcp-check", "cookie", "log",
    ]
    for line in proxy.own where carried.contains(line.words[0]) {
      if line.words[0] == "server" || line.words[0] == "default_backend" {
        ledger.settle(line.range, verdict)
      } else if DirectiveTable.verdict(on: line.words) == nil {
        ledger.settle(line.range, .notNeeded("the service with the same servers has it"))
      }
    }
  }
}

/// What the command line adds to the files.
package struct ImportOptions: Sendable {
  /// Variables of the environment.
  package var environment: [String: String]
  /// The name of the service; nil if the files name it.
  package var service: String?
  /// This machine's name, for values that differ between nodes.
  package var hostName: String
  /// The files that a pattern names, for `include` in keepalived.conf.
  package var files: @Sendable (String) -> [SourceFile]

  package init(
    environment: [String: String], service: String?, hostName: String,
    files: @escaping @Sendable (String) -> [SourceFile]
  ) {
    self.environment = environment
    self.service = service
    self.hostName = hostName
    self.files = files
  }
}
