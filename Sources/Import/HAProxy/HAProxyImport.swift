import Domain
import Wire

/// Turns haproxy.cfg into services. Each line is settled by what the services make of it.
struct HAProxyImport: Sendable {
  /// More services than the configuration may have are not imported.
  static let mostServices = 64

  var ledger = Ledger()
  let proxies: [Proxy]
  /// How many sections take clients for servers.
  let servingCount: Int
  let globals: [Statement]
  let options: ImportOptions
  /// What all services share.
  var shared = YAMLMapping()
  var drafts: [ServiceDraft] = []
  /// What a person has to fill in, beside what findings say.
  var remarks: [String] = []
  /// What Belvedere does differently where the files say nothing.
  var notes: [String] = []
  /// Plain http listeners that redirect to https.
  var redirects: [BindLine] = []
  /// The backends that services have.
  private var consumed: Set<Int> = []
  /// The rules of `redirects`, by the places of their lines in the ledger.
  var redirectRules: [Int: Statement] = [:]
  private let others: [HAProxyFile.Section]
  private let unusedDefaults: [Statement]

  init(_ source: SourceFile, _ options: ImportOptions) {
    let file = HAProxyFile(source, environment: options.environment, &ledger)
    (proxies, unusedDefaults) = Proxy.all(in: file)
    globals = file.sections.filter { $0.kind == "global" }.flatMap(\.lines)
    others = file.sections.filter { !["global", "defaults", "frontend", "backend", "listen"].contains($0.kind) }
    servingCount = proxies.count { $0.takesClients && (!$0.usedBackends.isEmpty || $0.hasServers) }
    self.options = options
    readGlobals()
    readProxies()
    settleStop()
    noteDifferences()
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
        ledger.settleRest(of: line.range, .notNeeded("no service uses the backend"))
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

  private mutating func readProxies() {
    var routes: [Route] = []
    for index in proxies.indices where proxies[index].takesClients {
      let proxy = proxies[index]
      let binds = proxy.binds
      let found = self.routes(of: index)
      if !binds.contains(where: \.isSecure), let rule = redirectRule(of: proxy) {
        redirects += binds
        for bind in binds { redirectRules[bind.statement.range.lowerBound] = rule }
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
      guard let rule = redirectRules[bind.statement.range.lowerBound] else { continue }
      ledger.settle(rule.range, .impossible("no service takes this redirect"))
    }
  }

  private func rank(_ route: Route) -> Int {
    let frontend = proxies[route.frontend]
    let binds = frontend.binds
    let kind =
      !frontend.isTCP && binds.contains(where: \.isSecure) ? 0 : binds.contains { $0.ports.contains(443) } ? 2 : 4
    return kind + (route.hosts.isEmpty ? 0 : 1)
  }

  mutating func settleWithoutBackend(_ proxy: Proxy) {
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
    let hasSecureBind = binds.contains(where: \.isSecure)
    guard frontend.isTCP || hasSecureBind || !lines.contains(where: { $0.has("ssl") }) else {
      for line in frontend.own where line.words[0] != "use_backend" && line.words[0] != "default_backend" {
        ledger.settleRest(
          of: line.range, .impossible("plain http is only redirected to https: `bind` needs `ssl` and a certificate"))
      }
      return
    }
    consumed.insert(route.backend)
    if join(route, frontend, backend, lines, binds) { return }
    guard drafts.count < Self.mostServices else {
      for line in backend.own { ledger.settle(line.range, .impossible("there may be \(Self.mostServices) services")) }
      return
    }
    var draft = ServiceDraft(
      name: uniqueName(route.hosts.isEmpty && route.frontend != route.backend ? frontend.name : backend.name),
      frontend: route.frontend, backend: route.backend, isPassthrough: Self.isPassthrough(frontend, lines))
    draft.isDefault = route.hosts.isEmpty
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
    separatePorts(of: &draft, lines)
    if hasSecureBind { addPlain(binds.filter { !$0.isSecure }, of: route.frontend) }
    read(into: &draft, frontend, backend, lines)
    drafts.append(draft)
  }

  /// Whether connections are forwarded as they are.
  static func isPassthrough(_ frontend: Proxy, _ lines: [ServerLine]) -> Bool {
    !frontend.binds.contains(where: \.isSecure) && (frontend.isTCP || !lines.contains { $0.has("ssl") })
  }

  /// HAProxy connects to the port that the client came to if a server has none. One port is the service's, the others
  /// are relayed.
  private mutating func separatePorts(of draft: inout ServiceDraft, _ lines: [ServerLine]) {
    let ports = draft.binds.flatMap(\.ports).distinct
    guard ports.count > 1, lines.contains(where: { $0.port == nil }) else { return }
    let main = ports.contains(443) ? 443 : ports[0]
    func addresses(of port: UInt16) -> Set<IPAddress?> {
      Set(draft.binds.flatMap(\.places).filter { $0.ports.contains(port) }.map(\.address))
    }
    guard draft.isPassthrough, lines.allSatisfy({ $0.port == nil }),
      ports.allSatisfy({ addresses(of: $0) == addresses(of: main) })
    else {
      for line in lines where line.port == nil {
        ledger.settle(
          line.head, .impossible("HAProxy uses the port that the client came to: write one `listen` for each port"))
      }
      return
    }
    draft.relayed = ports.filter { $0 != main }
  }

  /// Plain http listeners beside https in one section.
  private mutating func addPlain(_ binds: [BindLine], of index: Int) {
    for bind in binds
    where !redirects.contains(where: { $0.statement.range == bind.statement.range }) && !isTaken(bind, of: index)
      && !proxies[index].binds.contains(where: { $0.isSecure && $0.overlaps(bind) })
    {
      redirects.append(bind)
      settleUnused(bind)
      if let rule = redirectRule(of: proxies[index]) {
        redirectRules[bind.statement.range.lowerBound] = rule
      } else {
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
}
