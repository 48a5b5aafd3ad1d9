import Domain
import Wire

func judgePorts(_ facts: Facts) -> [Finding] {
  switch facts.ports {
  case .unknown(let reason): return [Finding("ports", "", .unknown, reason)]
  case .found(let taken):
    guard !taken.isEmpty else { return [Finding("ports", "", .ok, "no other program has one of them")] }
    return taken.map { port in
      Finding(
        "ports", port.listener, .fault, "taken by \(port.owner.isEmpty ? "another program" : port.owner)",
        fix: port.owner.isEmpty
          ? "as root, `belvedere doctor` says which" : "stop that program, or change `listen`, `redirect` or `relay`")
    }
  }
}

func judgeLimits(_ facts: Facts) -> [Finding] {
  switch facts.shortfalls {
  case .unknown(let reason): return [Finding("limits", "", .unknown, reason)]
  case .found(let shortfalls):
    guard !shortfalls.isEmpty else { return [Finding("limits", "", .ok, "sufficient for the configured connections")] }
    return shortfalls.map { Finding("limits", "", .warning, $0, fix: "docs/limits.md") }
  }
}

func judgeScheduling(_ facts: Facts) -> [Finding] {
  guard !facts.routers.isEmpty else { return [] }
  switch facts.service {
  case .unknown(let reason): return [Finding("scheduling", "", .unknown, reason)]
  case .found(let service):
    switch service.scheduling {
    case nil: return [Finding("scheduling", "", .unknown, "/proc does not show the supervisor")]
    case .realtime: return [Finding("scheduling", "", .ok, "in real time")]
    case .nice(let value) where value <= -10: return [Finding("scheduling", "", .ok, "with a nice value of \(value)")]
    case .nice(let value):
      return [
        Finding(
          "scheduling", "", .warning, "with a nice value of \(value): advertisements may be late on a busy machine",
          fix: "start it by its unit, which has Nice=-10")
      ]
    }
  }
}

func judgeLeftovers(_ facts: Facts) -> [Finding] {
  let found = facts.leftovers.filter { $0.isRunning || $0.isEnabled }
  guard !found.isEmpty else { return [Finding("leftovers", "", .ok, "neither keepalived nor HAProxy")] }
  return found.map { leftover in
    let program = leftover.program
    let command = "systemctl disable --now \(program)"
    let fix = program == "haproxy" ? "when Belvedere takes over: \(command)" : command
    guard leftover.isRunning else {
      return Finding("leftovers", program, .warning, "it starts at the next boot", fix: fix)
    }
    // HAProxy may serve something else, on other ports; two programs for virtual addresses get into each other's way.
    let isFault = program == "keepalived" && !facts.routers.isEmpty
    return Finding(
      "leftovers", program, isFault ? .fault : .warning, "it runs" + (leftover.isEnabled ? " and starts at boot" : ""),
      fix: fix)
  }
}

func judgePair(_ facts: Facts) -> [Finding] {
  guard facts.isPaired else { return [] }
  switch facts.service {
  case .unknown(let reason): return [Finding("pair", "", .unknown, reason)]
  case .found(let service):
    var found = service.nodes.map { node -> Finding in
      guard node.answers else {
        return Finding(
          "pair", node.name, .fault, "does not answer over the connection of the pair",
          fix: "is it running? Then: TCP port of `pair` in both firewalls, the same `pair.secret`")
      }
      guard let version = node.version, version != service.version else {
        return Finding("pair", node.name, .ok, "answers, release \(node.version ?? "unknown")")
      }
      return Finding(
        "pair", node.name, .warning, "runs release \(version), this node \(service.version)",
        fix: "upgrade the older one")
    }
    for node in service.nodes where node.answers { found += judge(node, facts) }
    found += service.differences.map {
      Finding("pair", "", .warning, $0, fix: "docs/pair.md, “Both nodes at a glance”")
    }
    return found
  }
}

/// What another node that answers says of itself. Its certificates that this node has too have lines of their own.
private func judge(_ node: RunningService.Node, _ facts: Facts) -> [Finding] {
  var found = node.unreachedServices.map { service in
    Finding(
      "pair", node.name, .fault,
      "reaches no server\(service.isEmpty ? "" : " of \(service)"), and would serve no client after a failover",
      fix: "`belvedere doctor` on \(node.name)")
  }
  found += node.findings.map { finding in
    let about = [finding.check, finding.subject].filter { !$0.isEmpty }.joined(separator: " ")
    let text = "\(about): \(finding.text)"
    return Finding("pair", node.name, finding.verdict, text, fix: "`belvedere doctor` on \(node.name)")
  }
  let own = Set(facts.certificates.map(\.fingerprint))
  for certificate in node.certificates where !own.contains(certificate.fingerprint) {
    let end = certificate.notAfter
    let fix = "replace the file on \(node.name), or both with `belvedere apply`"
    if facts.time > end {
      found.append(
        Finding("pair", node.name, .fault, "\(certificate.title) of \(node.name) has expired on \(end.date)", fix: fix))
    } else if end.seconds(since: facts.time) / 86_400 < noticeDays {
      found.append(
        Finding("pair", node.name, .warning, "\(certificate.title) of \(node.name) expires on \(end.date)", fix: fix))
    }
  }
  return found
}
