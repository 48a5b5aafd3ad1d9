import Domain
import Wire

/// The servers of a backend.
extension HAProxyImport {
  /// As many as a configuration may have.
  static let mostServers = 1024

  /// The `server` lines of a proxy, each with the `default-server` lines before it.
  func serverLines(of proxy: Proxy) -> [ServerLine] {
    var defaults: [ServerLine.Parameter] = []
    var lines: [ServerLine] = []
    for line in proxy.lines {
      switch line.words[0] {
      case "default-server": defaults += ServerLine.parameters(of: line, from: 1)
      case "server" where line.words.count >= 3 && line.range.lowerBound > proxy.header.range.lowerBound:
        lines.append(ServerLine(line, defaults: defaults))
      default: break
      }
    }
    return lines
  }

  /// Adds the servers to a service, and settles their lines.
  mutating func readServers(_ lines: [ServerLine], _ backend: Proxy, into draft: inout ServiceDraft) {
    for line in backend.all("default-server") {
      ledger.settle(line.place(0..<1), .taken("the settings of the servers after it"))
    }
    let usable = lines.filter { !$0.has("disabled") }
    for line in lines {
      guard drafts.reduce(draft.servers.count, { $0 + $1.servers.count }) < Self.mostServers else {
        ledger.settle(line.statement.range, .impossible("there may be \(Self.mostServers) servers in all"))
        continue
      }
      addServer(line, isLast: usable.isEmpty, into: &draft)
    }
    if lines.contains(where: { $0.has("ssl") }) { _ = draft.choose("server-tls-profile", serverProfile) }
    let trusts = draft.servers.map { $0.settings["trust"] }
    if let first = trusts.first, let trust = first, trusts.allSatisfy({ $0 == trust }) {
      // One for all is written once.
      draft.settings.set(["trust"], trust)
      for index in draft.servers.indices { draft.servers[index].settings.remove("trust") }
    }
  }

  private mutating func addServer(_ line: ServerLine, isLast: Bool, into draft: inout ServiceDraft) {
    var name = String(
      String.UnicodeScalarView(line.name.unicodeScalars.prefix(60).map { ServerName.isValid(String($0)) ? $0 : "-" }))
    if !ServerName.isValid(name) { name = "server" }
    let first = name
    var number = max(2, draft.servers.count)
    while draft.servers.contains(where: { $0.name == name }) {
      name = "\(first)-\(number)"
      number += 1
    }
    var port = line.port ?? draft.mainPort
    var verdict = Verdict.taken("servers.\(name)\(line.has("check") ? "" : ", which is checked from now on: health")")
    let isReachable = line.address.map { Self.isReachable($0) } ?? false
    if !isReachable {
      verdict = .impossible("a server needs its IP address, which works without DNS: write it under servers.\(name)")
    } else if line.target.contains(":+") || line.port == 0 {
      verdict = .impossible("write the port of servers.\(name)")
    }
    if port == 0 { port = 443 }
    var server = ServerDraft(
      name: name, address: isReachable ? line.address : nil, target: line.target, port: port)
    if !draft.isPassthrough, !line.has("ssl") {
      verdict = .impossible(
        "servers are reached with TLS only: switch it on at the server, and write that port under servers.\(name)")
    }
    ledger.settle(line.head, verdict)
    if line.has("ssl") || draft.isPassthrough && line.has("check-ssl") { chooseTrust(line, &server, draft) }
    for parameter in line.parameters { ledger.settle(parameter.range, settle(parameter, line, &server, &draft)) }
    server.isDisabled = line.has("disabled") && !isLast
    draft.servers.append(server)
  }

  /// Whether the configuration accepts it as a server's.
  static func isReachable(_ address: IPAddress) -> Bool {
    if address.isUnspecified { return false }
    switch address.family {
    case .v4: return address.low >> 28 != 0xe && address.low != 0xffff_ffff
    case .v6: return address.high >> 56 != 0xff && address.high >> 54 != 0x3fa
    }
  }

  private func chooseTrust(_ line: ServerLine, _ server: inout ServerDraft, _ draft: ServiceDraft) {
    let verify = line.value("verify") ?? globalWord("ssl-server-verify") ?? "required"
    if verify == "none" {
      server.settings.set(["trust"], .scalar("insecure-no-verification"))
    } else if let file = line.value("ca-file"), !file.isEmpty, !file.hasPrefix("@") {
      var authority = YAMLMapping()
      authority.set(["ca"], .scalar(path(file, below: "ca-base")))
      server.settings.set(["trust"], .mapping(authority))
    }
  }

  /// The second word of the last line of `global` with this keyword.
  func globalWord(_ keyword: String) -> String? { globals.last { $0.words[0] == keyword }?[1] }

  /// A path that HAProxy resolves against a directory of `global`.
  func path(_ file: String, below keyword: String) -> String {
    guard !file.hasPrefix("/"), let base = globalWord(keyword) else { return file }
    return base.hasSuffix("/") ? base + file : base + "/" + file
  }

  private mutating func settle(
    _ parameter: ServerLine.Parameter, _ line: ServerLine, _ server: inout ServerDraft, _ draft: inout ServiceDraft
  ) -> Verdict {
    let value = parameter.arguments.first ?? ""
    let isLast = line.value(parameter.name).map { $0 == value } ?? true
    guard isLast else { return .notNeeded("a later setting replaces it") }
    func own(_ key: String, _ node: String, standard: Bool = false) -> Verdict {
      if standard { return .standard("servers.\(server.name).\(key): \(node)") }
      server.settings.set([key], .scalar(node))
      return .taken("servers.\(server.name).\(key): \(node)")
    }
    switch parameter.name {
    case "weight":
      guard let weight = UInt64(value), weight <= 256 else { return .impossible("a weight is 0 to 256") }
      return own("weight", "\(weight)", standard: weight == 1)
    case "maxconn":
      guard let count = UInt64(value), 1...1_000_000 ~= count else {
        return .impossible("`connections` of a server is 1 to 1000000, 4000 if not set")
      }
      return own("connections", "\(count)", standard: count == 4000)
    case "backup": return line.has("backup") ? own("backup", "true") : .notNeeded("switched off again")
    case "send-proxy-v2": return own("send-proxy-v2", "true")
    case "disabled":
      return line.has("disabled")
        ? .taken("the server is a comment: remove the # when it is to serve") : .notNeeded("switched off again")
    case "sni", "verifyhost", "check-sni": return nameVerdict(parameter, &server, &draft)
    case "ssl-min-ver", "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13":
      let version = parameter.name == "ssl-min-ver" ? value : "TLSv1." + parameter.name.suffix(1)
      let profile = Self.profile(lowest: version)
      return own("tls-profile", profile, standard: profile == "intermediate" && serverProfile == profile)
    case "maxqueue" where value == "0": return .notNeeded("`limits.queue` bounds every queue")
    case "maxqueue": return draft.chooseNumber("limits.queue", value, 0...1_000_000)
    case "inter": return draft.chooseTime("health.interval", value, 10...3_600_000)
    case "rise", "fall": return draft.chooseNumber("health.\(parameter.name)", value, 1...100)
    case "slowstart": return draft.chooseTime("health.slow-start", value, 0...86_400_000, bareUnit: 1)
    case "port", "addr":
      return parameter.name == "port" && UInt16(value) == server.port
        ? .standard("checks go to the server's port") : .impossible("checks go to the server's address and port")
    case "observe", "error-limit":
      return value == "none" ? .standard("health.passive: false") : draft.choose("health.passive", "true")
    default: return ServerParameters.verdict(on: parameter, isPassthrough: draft.isPassthrough)
    }
  }

  /// The name that is sent to a server and that its certificate must have.
  private func nameVerdict(
    _ parameter: ServerLine.Parameter, _ server: inout ServerDraft, _ draft: inout ServiceDraft
  ) -> Verdict {
    var name = parameter.arguments.first ?? ""
    if parameter.name == "sni" {
      guard name.hasPrefix("str("), name.hasSuffix(")") else {
        return .standard("servers get the name of the service: servers.NAME.server-name")
      }
      name = String(name.dropFirst(4).dropLast())
    }
    guard HostName.isValid(name) else {
      return .impossible("write a host name under servers.\(server.name).server-name")
    }
    server.settings.set(["server-name"], .scalar(name.lowercased()))
    return .taken("servers.\(server.name).server-name: \(name.lowercased())")
  }

  /// The profile that allows a version of TLS and those above.
  static func profile(lowest version: String) -> String {
    switch version {
    case "TLSv1.3": "modern"
    case "SSLv3", "TLSv1.0", "TLSv1.1": "old"
    default: "intermediate"
    }
  }
}

extension ServiceDraft {
  /// A time within a range of milliseconds. `bareUnit`: milliseconds of a number without a unit.
  mutating func chooseTime(
    _ key: String, _ text: String, _ range: ClosedRange<UInt64>, bareUnit: UInt64 = 1
  ) -> Verdict {
    guard let time = Quantities.milliseconds(text) else { return .impossible("`\(text)` is no time: set `\(key)`") }
    let (value, overflow) = time.multipliedReportingOverflow(by: UInt64(text) == nil ? 1 : bareUnit)
    guard !overflow, range.contains(value) else {
      let bounds =
        "\(Quantities.text(milliseconds: range.lowerBound)) to \(Quantities.text(milliseconds: range.upperBound))"
      return .impossible("`\(key)` is \(bounds)")
    }
    return choose(key, Quantities.text(milliseconds: value))
  }

  /// A number within a range.
  mutating func chooseNumber(_ key: String, _ text: String, _ range: ClosedRange<UInt64>) -> Verdict {
    guard let number = Quantities.count(text), range.contains(number) else {
      return .impossible("`\(key)` is \(range.lowerBound) to \(range.upperBound)")
    }
    return choose(key, "\(number)")
  }
}
