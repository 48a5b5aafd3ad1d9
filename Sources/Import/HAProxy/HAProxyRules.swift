import Wire

/// Rules on requests and connections.
extension HAProxyImport {
  private static let added: Set = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]

  mutating func settleRule(_ line: Statement, of proxy: Proxy, _ draft: inout ServiceDraft) {
    if RedirectRule(line) != nil {
      var location: String?
      settleRedirectRule(line, location: &location, isPlain: proxy.conditions.condition(of: line) != .secure)
      if let location, draft.settings.node(at: ["redirect", "location"]) == nil {
        draft.settings.set(["redirect", "location"], .scalar(location))
      }
      return
    }
    let verdict: Verdict?
    switch (line.words[0], line[1]) {
    case ("http-request", "set-header"), ("http-request", "add-header"), ("http-request", "del-header"):
      let field = (line[2] ?? "").lowercased()
      if line[1] == "del-header" {
        verdict =
          field.hasPrefix("x-forwarded") || field == "forwarded" || field == "x-real-ip"
          ? .standard("a client's own values are dropped") : .impossible("let the servers ignore the field")
      } else {
        verdict =
          Self.added.contains(field)
          ? .standard("forwarded.add: true") : .impossible("no field is added but X-Forwarded-For, -Proto and -Host")
      }
    case ("http-request", "deny"), ("http-request", "reject"), ("http-request", "silent-drop"):
      verdict =
        isRefusalOfOtherHosts(line, of: proxy) ? .standard("requests for other names are answered with 421") : nil
    case ("http-request", "set-src"):
      verdict = .impossible("list the proxies: forwarded: { trusted-proxies: […] }")
    case ("http-request", "use-service") where line.words.contains("prometheus-exporter"):
      verdict = .notNeeded("`belvedere status --json` has the figures")
    case ("tcp-request", "content") where line[2] == "accept" && Self.asksForHello(line):
      verdict = .standard("the server name is read from the start of the connection")
    case ("tcp-request", "connection") where line[2] == "expect-proxy":
      verdict = expectProxy(line, &draft)
    default: verdict = nil
    }
    if let verdict { ledger.settle(line.range, verdict) }
  }

  /// `location`: gets a target that is the same for all requests.
  mutating func settleRedirectRule(_ line: Statement, location: inout String?, isPlain: Bool) {
    guard let rule = RedirectRule(line) else { return }
    guard isPlain, rule.leadsToHTTPS else {
      return ledger.settle(line.range, .impossible("only plain http is redirected, to https"))
    }
    location = rule.location
    ledger.settle(
      line.range,
      location.map { .taken("redirect.location: \($0)") } ?? .standard("redirect: plain http leads to https"))
  }

  /// Whether a rule refuses requests for names other than those of an ACL.
  private func isRefusalOfOtherHosts(_ line: Statement, of proxy: Proxy) -> Bool {
    guard let start = line.words.firstIndex(where: { $0 == "if" || $0 == "unless" }), line.words.count == start + 2
    else {
      return false
    }
    let name = line.words[start + 1]
    let isNegated = line.words[start] == "unless" || name.hasPrefix("!")
    let meaning = proxy.conditions.meaning(of: name.hasPrefix("!") ? String(name.dropFirst()) : name)
    if case .hosts = meaning { return isNegated }
    return false
  }

  private static func asksForHello(_ line: Statement) -> Bool {
    line.words.contains { $0 == "req_ssl_hello_type" || $0 == "req.ssl_hello_type" }
  }

  private func expectProxy(_ line: Statement, _ draft: inout ServiceDraft) -> Verdict {
    let advice = Verdict.impossible("list the proxies: forwarded: { trusted-proxies: […], proxy-protocol: true }")
    guard let start = line.words.firstIndex(of: "src"), let end = line.words.lastIndex(of: "}"), start + 1 < end,
      line[start - 1] == "{", draft.settings["forwarded"] == nil
    else { return advice }
    let networks = line.words[(start + 1)..<end]
    guard networks.allSatisfy({ (try? IPPrefix(parsing: $0)) != nil }) else { return advice }
    draft.settings.set(["forwarded", "trusted-proxies"], .list(networks.map { .scalar($0) }))
    draft.settings.set(["forwarded", "proxy-protocol"], .scalar("true"))
    return .taken("forwarded: trusted-proxies, proxy-protocol")
  }
}
