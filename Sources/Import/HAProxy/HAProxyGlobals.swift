/// The lines of `global`, and of other sections what all services share.
extension HAProxyImport {
  mutating func readGlobals() {
    for line in globals {
      let verdict: Verdict?
      switch line.words[0] {
      case "maxconn": verdict = limitVerdict(line)
      case "nbthread": verdict = threadVerdict(line)
      case "log": verdict = logVerdict(line)
      // Once there are services.
      case "hard-stop-after": verdict = nil
      case "crt-base", "ca-base", "key-base": verdict = .taken("the paths of files have it in front")
      case "ssl-server-verify":
        verdict = line[1] == "none" ? .taken("trust: insecure-no-verification") : .standard("certificates are verified")
      case "ssl-default-bind-options":
        settleOptions(line, profile: "tls.profile")
        verdict = nil
      case "ssl-default-server-options":
        settleOptions(line, profile: "server-tls-profile")
        verdict = nil
      default: verdict = globalNamesVerdict(line) ?? DirectiveTable.globalVerdict(on: line.words)
      }
      if let verdict { ledger.settleRest(of: line.range, verdict) }
    }
  }

  /// `hard-stop-after` of `global`, for all services.
  mutating func settleStop() {
    let lines = globals.filter { $0.words[0] == "hard-stop-after" }
    guard let last = lines.last else { return }
    for line in lines.dropLast() { ledger.settle(line.range, .notNeeded("a later line replaces it")) }
    if drafts.isEmpty { ledger.settle(last.range, .notNeeded("there is no service")) }
    for index in drafts.indices {
      ledger.settle(last.range, drafts[index].chooseTime("timeouts.stop", last[1] ?? "", 1...604_800_000))
    }
  }

  private mutating func share(_ path: [String], _ value: String) -> Verdict {
    let key = path.joined(separator: ".")
    if let other = shared.node(at: path) {
      return other == .scalar(value)
        ? .taken("\(key): \(value)") : .impossible("`\(key)` has one value, and another line has set it")
    }
    shared.set(path, .scalar(value))
    return Standards.values[key] == value ? .standard("\(key): \(value)") : .taken("\(key): \(value)")
  }

  /// `maxconn` of a frontend: a limit of its own there, one for all here.
  mutating func frontendLimitVerdict(_ line: Statement) -> Verdict {
    guard servingCount <= 1 || globalWord("maxconn") != nil else {
      return .impossible("`limits.connections` counts the connections of all services: write one sum")
    }
    return limitVerdict(line)
  }

  /// `maxconn` of `global` or a frontend.
  mutating func limitVerdict(_ line: Statement) -> Verdict {
    guard let count = Quantities.count(line[1] ?? ""), 1...10_000_000 ~= count else {
      return .impossible("`limits.connections` is 1 to 10000000")
    }
    if case .scalar(let text) = shared.node(at: ["limits", "connections"]), text != "\(count)" {
      return .notNeeded("limits.connections: \(text) counts the connections of all services")
    }
    return share(["limits", "connections"], "\(count)")
  }

  private mutating func threadVerdict(_ line: Statement) -> Verdict {
    guard let count = UInt64(line[1] ?? ""), 1...256 ~= count else { return .impossible("`threads` is 1 to 256") }
    return share(["threads"], "\(count)")
  }

  /// `log TARGET [len N] [format F] [sample S] FACILITY [LEVEL [LEVEL]]`.
  mutating func logVerdict(_ line: Statement) -> Verdict {
    guard let target = line[1], target != "global" else { return .standard("all services have one log") }
    var index = 2
    while let word = line[index], ["len", "format", "sample"].contains(word) { index += 2 }
    let facility = line[index] ?? ""
    let isLocal =
      target == "/dev/log"
      || ["127.0.0.1", "localhost", "[::1]", "::1"].contains { target == $0 || target.hasPrefix($0 + ":") }
    if ["stdout", "stderr"].contains(target) || target.hasPrefix("fd@") {
      return .standard("log.access.target: stdout, which is the journal under systemd")
    }
    guard shared["log"] == nil else { return .notNeeded("one log has all lines; the journal filters them by severity") }
    shared.set(["log", "access", "target"], .scalar("syslog"))
    let facilities = ["daemon", "user"] + (0...7).map { "local\($0)" }
    if facilities.contains(facility), facility != "daemon" { shared.set(["log", "facility"], .scalar(facility)) }
    guard isLocal else {
      return .impossible("lines go to /dev/log: let rsyslog forward them to \(target)")
    }
    guard facilities.contains(facility) else {
      return .impossible("`log.facility` is one of \(facilities.joined(separator: ", "))")
    }
    settleLevel(line, from: index + 1)
    return .taken("log: { facility: \(facility), access: { target: syslog } }")
  }

  /// The severities after the facility: HAProxy logs requests as `info`, and sends lines up to the first one.
  private mutating func settleLevel(_ line: Statement, from index: Int) {
    guard let level = line[index] else { return }
    let verdict: Verdict =
      switch level {
      case "info", "debug": .standard("requests are logged, as this level has them")
      case "notice", "warning", "err":
        .impossible(
          "this level has no requests: log: { access: off, level: \(level == "err" ? "error" : level) }, if that is meant"
        )
      default: .impossible("this level has no requests: log: { access: off, level: error }, if that is meant")
      }
    ledger.settle(line.place(index..<(index + 1)), verdict)
    ledger.settle(line.place((index + 1)..<line.words.count), .notNeeded("lines keep their severity"))
  }
}
