/// A frontend, a backend or both (`listen`), with the lines of its `defaults`.
struct Proxy: Sendable {
  let kind: String
  let name: String
  let header: Statement
  let own: [Statement]
  let inherited: [Statement]
  /// Where it listens.
  let binds: [BindLine]
  /// Names of conditions.
  let conditions: HAProxyACLs

  /// The lines in the order in which they apply.
  let lines: [Statement]

  init(_ section: HAProxyFile.Section, defaults: [Statement]) {
    (kind, name, header, own) = (section.kind, section.name, section.header, section.lines)
    inherited = defaults
    lines = defaults + section.lines
    binds = kind == "backend" ? [] : section.lines.filter { $0.words[0] == "bind" }.map(BindLine.init)
    conditions = HAProxyACLs(section.lines)
  }

  /// All lines that begin with these words.
  func all(_ keyword: String...) -> [Statement] { lines.filter { $0.begins(with: keyword) } }

  /// The last of these lines, which counts.
  func last(_ keyword: String...) -> Statement? { lines.last { $0.begins(with: keyword) } }

  /// Whether an option is on: a later `no option` switches it off.
  func hasOption(_ name: String) -> Bool {
    let line = lines.last { $0.begins(with: ["option", name]) || $0.begins(with: ["no", "option", name]) }
    return line?.words[0] == "option"
  }

  var isTCP: Bool { last("mode")?[1] ?? "tcp" == "tcp" }
  var takesClients: Bool { !binds.isEmpty }
  var hasServers: Bool { kind != "frontend" && own.contains { ["server", "server-template"].contains($0.words[0]) } }

  /// The backends that it may use, by name, each with its line.
  var usedBackends: [Statement] {
    lines.filter { ["use_backend", "default_backend"].contains($0.words[0]) && $0[1] != nil }
  }

  /// The names that a rule lets through while it refuses all others; nil for any other rule.
  func refusesOthers(than line: Statement) -> [String]? {
    guard line.words[0] == "http-request", ["deny", "reject", "silent-drop"].contains(line[1] ?? ""),
      case .otherHosts(let names) = conditions.condition(of: line).0
    else { return nil }
    return names
  }

  /// The proxies of a file, and the lines of `defaults` that none of them has.
  static func all(in file: HAProxyFile) -> (proxies: [Proxy], unused: [Statement]) {
    var named: [String: [Statement]] = [:]
    var latest: [Statement] = []
    var unused: [Int: Statement] = [:]
    var proxies: [Proxy] = []
    for section in file.sections {
      switch section.kind {
      case "defaults":
        latest = (section.origin.flatMap { named[$0] } ?? []) + section.lines
        if !section.name.isEmpty { named[section.name] = latest }
        for line in section.lines { unused[line.range.lowerBound] = line }
      case "frontend", "backend", "listen":
        let proxy = Proxy(section, defaults: section.origin.map { named[$0] ?? [] } ?? latest)
        for line in proxy.inherited { unused[line.range.lowerBound] = nil }
        proxies.append(proxy)
      default: break
      }
    }
    return (proxies, unused.values.sorted { $0.range.lowerBound < $1.range.lowerBound })
  }
}
