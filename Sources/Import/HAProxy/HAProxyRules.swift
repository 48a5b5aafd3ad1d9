import Wire

/// Rules on requests and connections.
extension HAProxyImport {
  /// The fields that are added, with the values that they get.
  private static let added: [String: Set<String>] = [
    "x-forwarded-for": ["%[src]", "%ci"],
    "x-forwarded-proto": ["https", "%[ssl_fc,iif(https,http)]"],
    "x-forwarded-host": ["%[hdr(host)]", "%[req.hdr(host)]"],
  ]

  private func isStandardField(_ line: Statement, of proxy: Proxy) -> Bool {
    let (criterion, start) = proxy.conditions.condition(of: line)
    let (field, value) = ((line[2] ?? "").lowercased(), (line[3] ?? "").lowercased())
    guard start == 4 else { return false }
    if field == "x-forwarded-proto", value == "http" { return criterion == .plain }
    return Self.added[field]?.contains(value) == true && (criterion == .always || criterion == .secure)
  }

  mutating func settleRule(_ line: Statement, of proxy: Proxy, _ draft: inout ServiceDraft) {
    if RedirectRule(line) != nil {
      guard !redirectRules.values.contains(where: { $0.range == line.range }) else { return }
      let isNever = proxy.conditions.condition(of: line).0 == .plain && proxy.binds.allSatisfy(\.isSecure)
      return ledger.settle(
        line.range,
        isNever
          ? .notNeeded("every listener of the section has TLS")
          : .impossible("only plain http is redirected, all of it and to https; let the servers redirect"))
    }
    let verdict: Verdict?
    if let fields = fieldVerdict(line, of: proxy, &draft) { return ledger.settle(line.range, fields) }
    switch (line.words[0], line[1]) {
    case ("http-request", "set-header"), ("http-request", "add-header"), ("http-request", "del-header"):
      let field = (line[2] ?? "").lowercased()
      if line[1] == "del-header" {
        verdict =
          field.hasPrefix("x-forwarded") || field == "forwarded" || field == "x-real-ip"
          ? .standard("a client's own values are dropped") : .impossible("let the servers ignore the field")
      } else {
        verdict =
          isStandardField(line, of: proxy) && !draft.isPassthrough
          ? .standard("forwarded.add: true")
          : .impossible("no field is added but X-Forwarded-For, -Proto and -Host, with the client's own values")
      }
    case ("http-request", "deny"), ("http-request", "reject"), ("http-request", "silent-drop"):
      verdict =
        proxy.refusesOthers(than: line) != nil && draft.isDefault && !draft.isPassthrough
        ? .taken("service has the names; requests for others are answered with 421") : nil
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

  private static func asksForHello(_ line: Statement) -> Bool {
    line.words.contains { $0 == "req_ssl_hello_type" || $0 == "req.ssl_hello_type" }
  }

  private func expectProxy(_ line: Statement, _ draft: inout ServiceDraft) -> Verdict {
    let advice = Verdict.impossible("list the proxies: forwarded: { trusted-proxies: […], proxy-protocol: true }")
    guard let start = line.words.firstIndex(of: "if").map({ $0 + 2 }), line[start - 1] == "{", line[start] == "src",
      line.words.firstIndex(of: "}") == line.words.count - 1, draft.settings["forwarded"] == nil
    else { return advice }
    let end = line.words.count - 1
    guard start + 1 < end else { return advice }
    let networks = line.words[(start + 1)..<end]
    guard networks.allSatisfy({ (try? IPPrefix(parsing: $0)) != nil }) else { return advice }
    draft.settings.set(["forwarded", "trusted-proxies"], .list(networks.map { .scalar($0) }))
    draft.settings.set(["forwarded", "proxy-protocol"], .scalar("true"))
    return .taken("forwarded: trusted-proxies, proxy-protocol")
  }
}
