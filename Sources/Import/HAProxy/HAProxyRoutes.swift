/// Which backends a frontend uses, and which frontends do nothing but redirect.
extension HAProxyImport {
  /// A backend that a frontend uses, and for which names.
  struct Route {
    let frontend: Int
    let backend: Int
    /// Empty for the default.
    var hosts: [String]
  }

  /// The first `use_backend` that applies counts, wherever `default_backend` is; of that the last line.
  mutating func routes(of index: Int) -> [Route] {
    let proxy = proxies[index]
    let defaults = proxy.all("default_backend").filter { $0[1] != nil }
    for line in defaults.dropLast() { ledger.settle(line.range, .notNeeded("a later line replaces it")) }
    var routes: [Route] = []
    for line in proxy.all("use_backend").filter({ $0[1] != nil }) + defaults.suffix(1) {
      guard !routes.contains(where: { $0.hosts.isEmpty }) else {
        ledger.settle(line.range, .notNeeded("another backend takes all requests"))
        continue
      }
      guard let backend = proxies.firstIndex(where: { $0.kind != "frontend" && $0.name == line.words[1] }) else {
        ledger.settle(line.range, .impossible("there is no backend `\(line.words[1])`"))
        continue
      }
      switch proxy.conditions.condition(of: line).0 {
      case .always:
        routes.append(Route(frontend: index, backend: backend, hosts: []))
        ledger.settle(line.range, .taken("the servers of the service"))
      case .hosts(let names):
        routes.append(Route(frontend: index, backend: backend, hosts: names))
        ledger.settle(line.range, .taken("by name, from Host or SNI"))
      case .otherHosts, .secure, .plain, .other:
        ledger.settle(
          line.range,
          .impossible("only exact names in Host or SNI and ports select servers: see `services` and `servers.NAME`"))
      }
    }
    if proxy.hasServers, !routes.contains(where: { $0.hosts.isEmpty }) {
      routes.append(Route(frontend: index, backend: index, hosts: []))
    }
    return routes.filter { proxies[$0.backend].hasServers }
  }

  /// The rule by which a frontend redirects all plain http to https; nil if it has none.
  func redirectRule(of proxy: Proxy) -> Statement? {
    guard !proxy.isTCP, proxy.binds.contains(where: { !$0.isSecure }) else { return nil }
    let rules = proxy.lines.filter { line in
      guard RedirectRule(line)?.leadsToHTTPS == true else { return false }
      let criterion = proxy.conditions.condition(of: line).0
      return criterion == .plain || criterion == .always && !proxy.binds.contains(where: \.isSecure)
    }
    // HAProxy reads those of `http-request` first.
    return rules.first { $0.words[0] == "http-request" } ?? rules.first
  }

  mutating func settleRedirecting(_ proxy: Proxy) {
    let rule = redirectRule(of: proxy)
    for line in proxy.lines {
      switch line.words[0] {
      case "bind": settleUnused(BindLine(line))
      case "mode", "timeout", "maxconn", "option", "log", "acl", "errorfile", "retries", "balance":
        if proxy.own.contains(where: { $0.range == line.range }) {
          ledger.settle(line.range, .notNeeded("the section only redirects"))
        }
      default:
        if RedirectRule(line) != nil, line.range != rule?.range {
          ledger.settle(line.range, .impossible("all plain http is redirected to one place"))
        }
      }
    }
  }

  /// The words of a rule that a service has. `verdict`: on what it redirects to.
  mutating func settleRedirect(_ line: Statement, _ verdict: Verdict) {
    let first = line.begins(with: ["http-request", "redirect"]) ? 4 : 3
    ledger.settle(line.place(0..<first), verdict)
    var index = first
    while let word = line[index], word != "if", word != "unless" {
      let count = ["code", "set-cookie", "clear-cookie"].contains(word) ? 2 : 1
      let place = line.place(index..<(index + count))
      if word == "code" {
        ledger.settle(place, .notNeeded("the status is 301 for GET and HEAD, 308 for other methods"))
      } else {
        ledger.settle(place, .impossible("a redirect has no such option"))
      }
      index += count
    }
    ledger.settle(line.place(index..<line.words.count), verdict)
  }

  /// Where the plain listeners of a service lead to. `binds`: those that it has.
  mutating func settleRedirects(of binds: [BindLine], to index: Int) {
    var lines: [(line: Statement, location: String?)] = []
    for bind in binds {
      guard let line = redirectRules[bind.statement.range.lowerBound], let rule = RedirectRule(line) else { continue }
      let keepsName = rule.prefixHost.map { drafts[index].hosts.contains($0) } ?? (rule.kind == "scheme")
      guard keepsName || rule.location != nil else {
        ledger.settle(
          line.range, .impossible("plain http leads to the same name and path; redirect.location is one place"))
        continue
      }
      if !lines.contains(where: { $0.line.range == line.range }) { lines.append((line, rule.location)) }
    }
    guard let first = lines.first else { return }
    guard lines.allSatisfy({ $0.location == first.location }) else {
      for (line, _) in lines { ledger.settle(line.range, .impossible("a service redirects to one place")) }
      return
    }
    if let location = first.location { drafts[index].settings.set(["redirect", "location"], .scalar(location)) }
    for (line, location) in lines {
      settleRedirect(
        line, location.map { .taken("redirect.location: \($0)") } ?? .standard("redirect: plain http leads to https"))
    }
  }
}
