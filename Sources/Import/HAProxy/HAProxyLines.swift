import Wire

/// The lines of a frontend and its backend, for one service.
extension HAProxyImport {
  /// Reads everything of a service.
  mutating func read(into draft: inout ServiceDraft, _ frontend: Proxy, _ backend: Proxy, _ lines: [ServerLine]) {
    draft.listeners = uniqueListeners(of: draft)
    for bind in draft.binds {
      let isRelayed = !draft.relayed.isEmpty && bind.ports.contains { draft.relayed.contains($0) }
      let verdict: Verdict =
        isRelayed
        ? .taken("relay.tcp, as the servers' port is that of the client")
        : bind.listeners == ["443"]
          ? .standard("listen: 443") : .taken("listen: \(bind.listeners.joined(separator: ", "))")
      ledger.settle(bind.head, verdict)
    }
    readTLS(into: &draft)
    readProtocols(into: &draft)
    readClientTLS(into: &draft)
    for bind in draft.binds { settleParameters(of: bind, in: draft) }
    readServers(lines, backend, into: &draft)
    readHealth(of: backend, lines, into: &draft)
    let isOne = draft.frontend == draft.backend
    for line in frontend.lines { settle(line, of: frontend, isFront: true, isBack: isOne, &draft) }
    guard !isOne else { return }
    for line in backend.lines { settle(line, of: backend, isFront: false, isBack: true, &draft) }
  }

  /// Those that no other service of this frontend's port has in another form.
  private func uniqueListeners(of draft: ServiceDraft) -> [String] {
    let relayed = Set(draft.relayed)
    return draft.binds.flatMap(\.places).flatMap { place in
      place.ports.filter { !relayed.contains($0) }.map { place.text(port: $0) }
    }.distinct
  }

  /// What decides about TLS of a service.
  private static let tlsParameters: Set = [
    "crt", "no-tls-tickets", "ssl-min-ver", "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13", "no-tlsv13",
    "ssl-max-ver",
  ]

  /// Settles the parameters of a place that is none of `listen`.
  mutating func settleUnused(_ bind: BindLine) {
    for parameter in bind.parameters {
      let isOfTLS = Self.tlsParameters.union(Self.clientParameters).contains(parameter.name)
      let verdict =
        isOfTLS ? .notNeeded("`tls` of the service decides") : ServerParameters.bindVerdict(on: parameter)
      ledger.settle(parameter.range, verdict ?? .impossible("the import does not know this"))
    }
  }

  private mutating func settleParameters(of bind: BindLine, in draft: ServiceDraft) {
    for parameter in bind.parameters {
      let verdict: Verdict
      switch parameter.name {
      case "crt", "no-tls-tickets", "ssl-min-ver", "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13":
        verdict = tlsVerdict(parameter, of: draft)
      case "no-tlsv13", "ssl-max-ver":
        verdict =
          parameter.arguments == ["TLSv1.3"]
          ? .standard("TLS 1.3 is spoken") : .impossible("TLS 1.3 is always spoken")
      case _ where Self.clientParameters.contains(parameter.name): verdict = clientVerdict(on: parameter, in: draft)
      default: verdict = ServerParameters.bindVerdict(on: parameter) ?? .impossible("the import does not know this")
      }
      ledger.settle(parameter.range, verdict)
    }
  }

  private func tlsVerdict(_ parameter: ServerLine.Parameter, of service: ServiceDraft) -> Verdict {
    guard !service.isPassthrough else { return .notNeeded("nothing is decrypted there") }
    switch parameter.name {
    case "crt":
      let file = path(parameter.arguments.first ?? "", below: "crt-base")
      let files = certificates(file)
      guard !files.isEmpty else {
        return .impossible("list the certificates of the folder under `tls.certificates`")
      }
      return .taken(files == [file] ? "tls: chain and key of \(file)" : "tls: \(files.count) files of \(file)")
    case "no-tls-tickets": return ticketsVerdict(of: service)
    default: return profileVerdict(of: service)
    }
  }

  /// The most certificates of one folder.
  private static let mostCertificates = 64

  /// What a `crt` names: a file, or the files of a folder as HAProxy reads them, in the order of their names and without
  /// those that belong to others. Empty for a folder with none, or with too many.
  private func certificates(_ path: String) -> [String] {
    guard let names = options.folder(path) else { return path.isEmpty || path.hasSuffix("/") ? [] : [path] }
    let others = [".issuer", ".ocsp", ".sctl", ".key"]
    let own = names.filter { name in !name.hasPrefix(".") && !others.contains { name.hasSuffix($0) } }.sorted()
    let folder = path.hasSuffix("/") ? path : path + "/"
    return own.count <= Self.mostCertificates ? own.map { folder + $0 } : []
  }

  /// The certificates of a service.
  private mutating func readTLS(into draft: inout ServiceDraft) {
    guard !draft.isPassthrough else { return }
    var files = draft.binds.flatMap(\.parameters).filter { $0.name == "crt" }.flatMap { parameter in
      certificates(path(parameter.arguments.first ?? "", below: "crt-base"))
    }.distinct
    if files.isEmpty {
      files = ["/etc/belvedere/tls/\(draft.name).pem"]
      remarks.append("tls.certificate of \(draft.name): the file with the certificate and its key")
    }
    if files.count == 1 {
      draft.settings.set(["tls", "certificate"], .scalar(files[0]))
    } else {
      draft.settings.set(["tls", "certificates"], .list(files.map { .scalar($0) }))
    }
  }

  // MARK: - Lines

  private static let singles: Set = ["mode", "maxconn", "retries", "balance", "cookie", "stick-table", "fullconn"]

  /// Whether a later line of the proxy counts instead.
  private func isReplaced(_ line: Statement, of proxy: Proxy) -> Bool {
    let count: Int
    switch line.words[0] {
    case "timeout", "option": count = 2
    case let word where Self.singles.contains(word): count = 1
    default: return false
    }
    let keyword = Array(line.words.prefix(count))
    return proxy.lines.last { $0.begins(with: keyword) }?.range != line.range
  }

  private mutating func settle(
    _ line: Statement, of proxy: Proxy, isFront: Bool, isBack: Bool, _ draft: inout ServiceDraft
  ) {
    guard !isReplaced(line, of: proxy) else {
      return ledger.settle(line.range, .notNeeded("a later line replaces it"))
    }
    let verdict: Verdict?
    switch line.words[0] {
    case "bind", "server", "default-server", "use_backend", "default_backend": verdict = nil
    case "mode": verdict = modeVerdict(line, draft)
    case "timeout": verdict = timeoutVerdict(line, isFront, isBack, &draft)
    case "maxconn": verdict = isFront ? frontendLimitVerdict(line) : nil
    case "retries": verdict = isBack ? draft.chooseNumber("retries", line[1] ?? "", 0...10) : nil
    case "log": verdict = logVerdict(line)
    case "balance": verdict = isBack ? balanceVerdict(line) : nil
    case "cookie", "appsession": verdict = isBack ? cookieVerdict(line, &draft) : nil
    case "stick-table": return isBack ? settleStickTable(line, &draft) : ()
    case "stick": verdict = isBack ? stickVerdict(line, &draft) : nil
    case "http-reuse" where line[1] == "never": verdict = isBack ? draft.choose("pool.share", "false") : nil
    case "errorfile": verdict = errorFileVerdict(line)
    case "acl": verdict = conditionVerdict(line, of: proxy)
    case "option": verdict = optionVerdict(line, isBack, draft)
    case "http-check", "tcp-check": verdict = nil
    case "redirect", "http-request", "http-response", "http-after-response", "tcp-request":
      return settleRule(line, of: proxy, &draft)
    default: verdict = nil
    }
    if let verdict { ledger.settle(line.range, verdict) }
  }

  private func modeVerdict(_ line: Statement, _ draft: ServiceDraft) -> Verdict {
    switch (line[1], draft.isPassthrough) {
    case ("http", false): .standard("mode: http")
    case ("tcp", true): .taken("mode: passthrough")
    case ("http", true): .impossible("mode `http` needs TLS towards clients; the service is written as a pass-through")
    case ("tcp", false):
      .impossible("the service is written with mode `http`, since TLS ends here: it must be HTTP that clients speak")
    default: .impossible("there are the modes `http` and `passthrough`")
    }
  }

  private mutating func timeoutVerdict(
    _ line: Statement, _ isFront: Bool, _ isBack: Bool, _ draft: inout ServiceDraft
  ) -> Verdict? {
    let front = [
      "client": "client", "http-request": "http-request", "http-keep-alive": "keep-alive", "client-hs": "tls-handshake",
    ]
    let back = ["server": "server", "connect": "connect", "queue": "queue", "tunnel": "tunnel"]
    let name = line[1] ?? ""
    let value = line[2] ?? ""
    switch name {
    case "check": return isBack ? Self.checkVerdict(value, &draft) : nil
    case "client-fin", "server-fin": return .notNeeded("half-closed connections have the other time-outs")
    case "tarpit": return .notNeeded("no request is held up")
    case "client" where draft.isPassthrough, "server" where draft.isPassthrough:
      return tunnelVerdict(&draft)
    default: break
    }
    if front[name] == nil, back[name] == nil { return nil }
    guard let key = isFront ? front[name] ?? (isBack ? back[name] : nil) : back[name] else { return nil }
    return draft.chooseTime("timeouts." + key, value, 1...604_800_000)
  }

  /// A check that may take much longer than the time between two finds a server that hangs late, which `check` warns of:
  /// it gets three times that time, and not less than the default.
  private static func checkVerdict(_ value: String, _ draft: inout ServiceDraft) -> Verdict {
    func standard(_ key: String) -> UInt64 { Standards.values[key].flatMap { Quantities.milliseconds($0) } ?? 0 }
    var interval = standard("health.interval")
    if case .scalar(let text)? = draft.settings.node(at: ["health", "interval"]) {
      interval = Quantities.milliseconds(text) ?? interval
    }
    let (threefold, overflow) = interval.multipliedReportingOverflow(by: 3)
    let longest = max(overflow ? .max : threefold, standard("health.timeout"))
    guard let time = Quantities.milliseconds(value), time > longest else {
      return draft.chooseTime("health.timeout", value, 10...3_600_000)
    }
    let verdict = draft.chooseTime("health.timeout", Quantities.text(milliseconds: longest), 10...3_600_000)
    guard !verdict.needsPerson else { return verdict }
    return .taken(
      "health.timeout: \(Quantities.text(milliseconds: longest)); longer than three intervals, a server that hangs is found late"
    )
  }

  /// The time-out of connections that pass through is the longer of both, unless `timeout tunnel` is there.
  private func tunnelVerdict(_ draft: inout ServiceDraft) -> Verdict {
    let (frontend, backend) = (proxies[draft.frontend], proxies[draft.backend])
    guard frontend.last("timeout", "tunnel") == nil, backend.last("timeout", "tunnel") == nil else {
      return .notNeeded("`timeout tunnel` replaces it")
    }
    let texts = [frontend.last("timeout", "client")?[2], backend.last("timeout", "server")?[2]].compactMap(\.self)
    let longest = texts.max { Quantities.milliseconds($0) ?? 0 < Quantities.milliseconds($1) ?? 0 } ?? ""
    return draft.chooseTime("timeouts.tunnel", longest, 1...604_800_000)
  }

  private func balanceVerdict(_ line: Statement) -> Verdict {
    switch line[1] {
    case "source": .standard("a hash of the client's address decides")
    case "roundrobin", "static-rr", "leastconn", "random", "first":
      .notNeeded("a hash of the client's address spreads new clients; each stays with its server")
    default: .impossible("the client's address, a cookie or a tunnel decides: affinity.by")
    }
  }

  private func errorFileVerdict(_ line: Statement) -> Verdict {
    let file = line[2] ?? ""
    if file.hasPrefix("/etc/haproxy/errors/") || file.hasPrefix("/usr/share/haproxy/") || file == "/dev/null" {
      return .notNeeded("Belvedere has pages of its own")
    }
    return .impossible("remove the HTTP head from the file, then: errors: { \(line[1] ?? "503"): \(file) }")
  }

  private func conditionVerdict(_ line: Statement, of proxy: Proxy) -> Verdict {
    let name = line[1] ?? ""
    guard proxy.conditions.used.contains(name) else { return .notNeeded("no rule of the section uses it") }
    switch proxy.conditions.meaning(of: name) {
    case .hosts: return .taken("names in Host or SNI")
    case .secure, .plain: return .notNeeded("the rules that use it say what becomes of it")
    case .always, .other, .otherHosts: return .impossible("only exact names in Host or SNI and ports select servers")
    }
  }

  private func optionVerdict(_ line: Statement, _ isBack: Bool, _ draft: ServiceDraft) -> Verdict? {
    guard line[1] == "forwardfor" else { return nil }
    guard !draft.isPassthrough else {
      return .impossible("mode `passthrough` adds no fields; send-proxy-v2 names the client")
    }
    if let header = line.words.firstIndex(of: "header").flatMap({ line[$0 + 1] }),
      header.lowercased() != "x-forwarded-for"
    {
      return .impossible("the field is X-Forwarded-For")
    }
    return .standard("forwarded.add: true")
  }
}
