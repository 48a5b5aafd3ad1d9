import Domain
import Wire

/// The difference of clocks from which a finding is a warning. Logins by SAML and Kerberos fail at minutes; a time
/// service keeps machines within a second.
private let clockTolerance: Int64 = 10

func judgeServers(_ facts: Facts) -> [Finding] {
  facts.servers.map { server in
    let place = "\(server.endpoint)"
    switch server.visit {
    case .done: break
    case .inMaintenance:
      return Finding("server", server.name, .ok, "\(place) is in maintenance, as an administrator has requested")
    case .tooLate:
      return Finding(
        "server", server.name, .unknown, "\(place) was not asked: other servers did not answer for too long")
    }
    if let failure = server.failure {
      return Finding(
        "server", server.name, .fault, "\(place): \(failure)",
        fix: "docs/operate.md, “A server is down”; from here: curl -kv https://\(place)/favicon.ico")
    }
    guard let status = server.status else { return Finding("server", server.name, .ok, "\(place) accepts connections") }
    if server.expected.contains(status) { return Finding("server", server.name, .ok, "\(place) answers \(status)") }
    if status == 503 {
      return Finding(
        "server", server.name, .warning, "\(place) answers 503: it is disabled and gets no new clients",
        fix: "enable it in the console of the Connection Servers")
    }
    return Finding(
      "server", server.name, .fault, "\(place) answers \(status) to its health check",
      fix: "`health.path`, `health.host` or `health.expect`; the line “host” says whether it refuses the name")
  }
}

func judgeThumbprints(_ facts: Facts) -> [Finding] {
  facts.servers.compactMap { server in
    guard let theirs = server.certificate else { return nil }
    let own = facts.certificates.filter { $0.service == server.service }
    // Clients of a service in mode `passthrough` are shown the server's own.
    guard !own.isEmpty else { return nil }
    if own.contains(where: { $0.fingerprint == theirs.fingerprint }) {
      return Finding("thumbprint", server.name, .ok, "it has the certificate that clients are shown")
    }
    return Finding(
      "thumbprint", server.name, .warning,
      "its certificate is another one (\(theirs.title), SHA-256 \("\(theirs.fingerprint)".prefix(16))…): clients that use the secure tunnel, Blast or PCoIP gateway compare them and refuse",
      fix: "install the same certificate and key on the server, unless these gateways are off")
  }
}

func judgeHosts(_ facts: Facts) -> [Finding] {
  facts.servers.flatMap { server -> [Finding] in
    guard !server.hosts.isEmpty else { return [] }
    var refused: [String] = []
    var statuses: [String] = []
    for answer in server.hosts where answer.isRefusal(expecting: server.expected) {
      if !refused.contains(answer.host) { refused.append(answer.host) }
      let field = answer.hasOrigin ? "Origin: https://" : "Host: "
      statuses.append("\(answer.status ?? 0) to \(field)\(answer.host)")
    }
    guard !refused.isEmpty else {
      let silent = server.hosts.first { $0.status == nil }
      if let silent {
        return [Finding("host", server.name, .unknown, "it did not answer a request for \(silent.host)")]
      }
      var names: [String] = []
      for answer in server.hosts where !names.contains(answer.host) { names.append(answer.host) }
      return [Finding("host", server.name, .ok, "it accepts \(names.joined(separator: ", "))")]
    }
    return [
      Finding(
        "host", server.name, .fault, "it answers \(statuses.joined(separator: ", "))",
        fix: "in its locked.properties, then restart it: " + server.missingLines(for: refused))
    ]
  }
}

func judgeClocks(_ facts: Facts) -> [Finding] {
  facts.servers.compactMap { server in
    guard server.status != nil else { return nil }
    guard let ahead = server.secondsAhead else {
      return Finding("clock", server.name, .unknown, "its answer has no Date field")
    }
    guard ahead.magnitude > clockTolerance else {
      return Finding("clock", server.name, .ok, "within \(clockTolerance) s of this machine's")
    }
    return Finding(
      "clock", server.name, .warning, "\(ahead.magnitude) s \(ahead > 0 ? "ahead of" : "behind") this machine's",
      fix: "let both use the same time servers: `timedatectl` here, `w32tm /query /status` there")
  }
}

extension ServerFacts.HostAnswer {
  /// Whether the server refuses the name, by a status that its health check does not expect; others are about the path.
  fileprivate func isRefusal(expecting expected: [UInt16]) -> Bool {
    guard let status else { return false }
    return [400, 403, 421].contains(status) && !expected.contains(status)
  }
}

extension ServerFacts {
  /// The lines of locked.properties for these names: the first of all names is balancedHost, the others are numbered.
  fileprivate func missingLines(for refused: [String]) -> String {
    var names: [String] = []
    for answer in hosts where !names.contains(answer.host) { names.append(answer.host) }
    let lines = names.enumerated().compactMap { index, name in
      refused.contains(name) ? (index == 0 ? "balancedHost=\(name)" : "portalHost.\(index)=\(name)") : nil
    }
    return lines.joined(separator: "  ")
  }
}
