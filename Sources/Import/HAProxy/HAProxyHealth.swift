import Wire

/// The checks of servers.
extension HAProxyImport {
  /// What a backend asks its servers for.
  private struct Probe {
    var method: String?
    var path: String?
    var host: String?
    var expect: [String]?
  }

  mutating func readHealth(of backend: Proxy, _ servers: [ServerLine], into draft: inout ServiceDraft) {
    var probe = Probe()
    let kinds: Set = ["httpchk", "tcp-check", "ssl-hello-chk"]
    // HAProxy has one kind of check, that of the last line.
    let last = backend.lines.last { $0.words[0] == "option" && kinds.contains($0[1] ?? "") }?[1]
    let isHTTP = last == "httpchk" && backend.hasOption("httpchk")
    for line in backend.lines {
      switch (line.words[0], line[1]) {
      case ("option", let kind?) where kinds.contains(kind) && kind != last:
        ledger.settle(line.range, .notNeeded("a later check replaces it"))
      case ("option", "httpchk"): readOption(line, &probe)
      case ("http-check", _): readCheck(line, &probe)
      case ("option", "ssl-hello-chk"): ledger.settle(line.range, .taken("health.check: tls"))
      case ("option", "tcp-check"): ledger.settle(line.range, .taken("health.check"))
      case ("tcp-check", "connect"): ledger.settle(line.range, .taken("health.check"))
      case ("tcp-check", _): ledger.settle(line.range, .impossible("no bytes are exchanged in a check of `tcp`"))
      default: break
      }
    }
    let isChecked = servers.contains { $0.has("check") }
    let speaksTLS = servers.contains { $0.has("check-ssl") || !draft.isPassthrough && $0.has("ssl") }
    if isHTTP, isChecked, speaksTLS || !draft.isPassthrough {
      choose(probe, &draft)
    } else {
      let isTLS = isChecked && (speaksTLS || last == "ssl-hello-chk")
      _ = draft.choose("health.check", isTLS ? "tls" : "tcp")
      if isHTTP {
        let advice =
          isChecked
          ? "checks by HTTP are made with TLS: health: { check: https }, if the servers' port has it"
          : "no server has `check`, and Belvedere checks all: health: { check: https } is better than `tcp`"
        for line in backend.all("option", "httpchk") + backend.all("http-check") {
          ledger.settle(line.range, .impossible(advice))
        }
      }
    }
  }

  private mutating func choose(_ probe: Probe, _ draft: inout ServiceDraft) {
    let path = probe.path ?? "/"
    _ = draft.choose("health.path", path)
    if probe.method == "HEAD" { _ = draft.choose("health.method", "HEAD") }
    if let expect = probe.expect {
      if expect != ["200"] { draft.settings.set(["health", "expect"], Self.node(expect)) }
    } else if path != Standards.values["health.path"] {
      // What HAProxy takes for success.
      draft.settings.set(["health", "expect"], Self.node(["200", "204", "301", "302", "303", "307", "308"]))
    }
    guard let host = probe.host else { return }
    if draft.hosts.isEmpty {
      draft.hosts = newNames([host])
    }
    if draft.hosts.first != host { _ = draft.choose("health.host", host) }
  }

  private static func node(_ statuses: [String]) -> YAMLNode {
    statuses.count == 1 ? .scalar(statuses[0]) : .list(statuses.map { .scalar($0) })
  }

  /// `option httpchk [METHOD] [PATH] [VERSION with fields]`.
  private mutating func readOption(_ line: Statement, _ probe: inout Probe) {
    ledger.settle(line.place(0..<2), .taken("health.check: https"))
    var arguments = Array(line.words.dropFirst(2))
    var first = 2
    if arguments.count > 1 || arguments.first?.hasPrefix("/") == false {
      setMethod(arguments.removeFirst(), line.place(2..<3), &probe)
      first = 3
    }
    guard let path = arguments.first else { return }
    setPath(path, line.place(first..<(first + 1)), &probe)
    let rest = line.words.dropFirst(first + 1).joined(separator: " ")
    let place = line.place((first + 1)..<line.words.count)
    guard let field = rest.lowercased().range(of: "host:") else {
      return ledger.settle(place, .notNeeded("checks are made with HTTP/1.1"))
    }
    setHost(
      rest[field.upperBound...].split(whereSeparator: { $0.isWhitespace || $0.isNewline }).first.map(String.init) ?? "",
      place, &probe)
  }

  /// `http-check send …` and `http-check expect …`.
  private mutating func readCheck(_ line: Statement, _ probe: inout Probe) {
    switch line[1] {
    case "send":
      ledger.settle(line.place(0..<2), .taken("health"))
      var index = 2
      while index < line.words.count {
        let value = line[index + 1] ?? ""
        let place = line.place(index..<(index + 2))
        switch line.words[index] {
        case "meth": setMethod(value, place, &probe)
        case "uri": setPath(value, place, &probe)
        case "ver": ledger.settle(place, .notNeeded("checks are made with HTTP/1.1"))
        case "hdr":
          let whole = line.place(index..<(index + 3))
          if value.lowercased() == "host" {
            setHost(line[index + 2] ?? "", whole, &probe)
          } else {
            ledger.settle(whole, .impossible("a check has no further fields"))
          }
          index += 1
        default: ledger.settle(place, .impossible("a check has a method, a path and a host"))
        }
        index += 2
      }
    case "expect": readExpectation(line, &probe)
    case "connect":
      ledger.settle(
        line.range,
        line.words.count <= 3
          ? .standard("checks connect as requests do") : .impossible("checks connect as requests do"))
    case "disable-on-404": ledger.settle(line.range, .impossible("a server drains when it answers with 503"))
    case "send-state": ledger.settle(line.range, .notNeeded("servers are not told of their state"))
    default: ledger.settle(line.range, .impossible("a check has a method, a path and a host"))
    }
  }

  private mutating func readExpectation(_ line: Statement, _ probe: inout Probe) {
    guard line[2] == "status" || line[2] == "rstatus", let value = line[3], line.words.count == 4 else {
      return ledger.settle(line.range, .impossible("list the statuses under health.expect"))
    }
    var statuses: [String] = []
    if line[2] == "rstatus" {
      // A plain list: ^(200|302)$.
      let parts = value.filter { !"^$()".contains($0) }.split(separator: "|", omittingEmptySubsequences: false)
      if parts.allSatisfy({ $0.count == 3 && (200...599).contains(Int($0) ?? 0) }) { statuses = parts.map(String.init) }
    } else {
      for part in value.split(separator: ",") {
        let ends = part.split(separator: "-").compactMap { Int($0) }
        guard let first = ends.first, let last = ends.last, ends.count <= 2, 200 <= first, first <= last, last <= 599
        else {
          statuses = []
          break
        }
        statuses += (first...last).map(String.init)
        guard statuses.count <= 32 else {
          statuses = []
          break
        }
      }
    }
    var unique: [String] = []
    for status in statuses where !unique.contains(status) { unique.append(status) }
    guard !unique.isEmpty else {
      return ledger.settle(line.range, .impossible("list the statuses under health.expect"))
    }
    probe.expect = unique
    ledger.settle(line.range, unique == ["200"] ? .standard("health.expect: 200") : .taken("health.expect"))
  }

  private mutating func setMethod(_ method: String, _ place: Range<Int>, _ probe: inout Probe) {
    probe.method = method
    let verdict: Verdict =
      switch method {
      case "GET": .standard("health.method: GET")
      case "HEAD": .taken("health.method: HEAD")
      default: .taken("health.method: GET; a check uses GET or HEAD")
      }
    ledger.settle(place, verdict)
  }

  private mutating func setPath(_ path: String, _ place: Range<Int>, _ probe: inout Probe) {
    guard path.hasPrefix("/"), path.utf8.allSatisfy({ 0x21...0x7e ~= $0 && !"\"#<>\\^`{|}".utf8.contains($0) }),
      path.utf8.count <= 1024
    else {
      return ledger.settle(place, .impossible("write the path under health.path"))
    }
    probe.path = path
    ledger.settle(
      place,
      path == Standards.values["health.path"] ? .standard("health.path: \(path)") : .taken("health.path: \(path)"))
  }

  private mutating func setHost(_ text: String, _ place: Range<Int>, _ probe: inout Probe) {
    guard let host = HostName.split(text, defaultPort: 443)?.host.lowercased(), HostName.isValid(host) else {
      return ledger.settle(place, .impossible("write the name under health.host"))
    }
    probe.host = host
    ledger.settle(place, .taken("the name in service, and health.host"))
  }
}

extension String {
  /// The first place of a text.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}
