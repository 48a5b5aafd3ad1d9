import Wire

/// What a condition of a rule asks for, as far as Belvedere knows such a thing.
enum Criterion: Hashable, Sendable {
  /// The Host or the server name is one of these.
  case hosts([String])
  /// It is none of these.
  case otherHosts([String])
  /// The client speaks TLS.
  case secure
  /// It does not.
  case plain
  case always
  case other
}

/// The named conditions of a section (configuration.txt, section 7.1), and the conditions of its rules.
struct HAProxyACLs: Sendable {
  /// The criteria by name; lines with the same name are alternatives.
  private var criteria: [String: [Criterion]] = [:]
  /// Names that rules mention.
  private(set) var used: Set<String> = []

  init(_ lines: [Statement]) {
    for line in lines {
      if line.words[0] == "acl", let name = line[1] {
        criteria[name, default: []].append(Self.criterion(Array(line.words.dropFirst(2))))
      } else if let start = line.words.firstIndex(where: { $0 == "if" || $0 == "unless" }) {
        for word in line.words[(start + 1)...] { used.insert(word.hasPrefix("!") ? String(word.dropFirst()) : word) }
      }
    }
  }

  /// What a named condition asks for.
  func meaning(of name: String) -> Criterion { Self.either(criteria[name] ?? [.other]) }

  /// The condition at the end of a line, and where it begins.
  func condition(of line: Statement) -> (Criterion, start: Int) {
    guard let start = line.words.firstIndex(where: { $0 == "if" || $0 == "unless" }) else {
      return (.always, line.words.count)
    }
    let isNegated = line.words[start] == "unless"
    var alternatives: [Criterion] = []
    var terms: [Criterion] = []
    var index = start + 1
    func close() { alternatives.append(Self.both(terms)) }
    while index < line.words.count {
      let word = line.words[index]
      if word == "or" || word == "||" {
        close()
        terms = []
        index += 1
        continue
      }
      let isNot = word.hasPrefix("!")
      let bare = isNot ? String(word.dropFirst()) : word
      var term: Criterion
      if bare == "{" {
        let end = line.words[index...].firstIndex(of: "}") ?? line.words.count
        term = Self.criterion(Array(line.words[min(index + 1, end)..<end]))
        index = min(end + 1, line.words.count)
      } else {
        term = meaning(of: bare)
        index += 1
      }
      if isNot { term = Self.negated(term) }
      terms.append(term)
    }
    close()
    let all = Self.either(alternatives)
    return (isNegated ? Self.negated(all) : all, start)
  }

  private static func negated(_ criterion: Criterion) -> Criterion {
    switch criterion {
    case .secure: .plain
    case .plain: .secure
    case .hosts(let names): .otherHosts(names)
    case .otherHosts(let names): .hosts(names)
    default: .other
    }
  }

  /// Of conditions that must all be met.
  private static func both(_ terms: [Criterion]) -> Criterion {
    guard terms.count != 1 else { return terms[0] }
    var names: [String] = []
    for term in terms {
      guard case .otherHosts(let more) = term else { return .other }
      names += more
    }
    return names.isEmpty ? .other : .otherHosts(names)
  }

  private static func either(_ criteria: [Criterion]) -> Criterion {
    var names: [String] = []
    for criterion in criteria {
      guard case .hosts(let more) = criterion else { return criteria.count == 1 ? criteria[0] : .other }
      names += more
    }
    return .hosts(names)
  }

  /// Of the words after the name of an `acl`, or between braces.
  private static func criterion(_ words: [String]) -> Criterion {
    guard let fetch = words.first else { return .other }
    if fetch == "ssl_fc" { return words.count == 1 ? .secure : .other }
    if fetch == "dst_port", words.count == 2 { return words[1] == "443" ? .secure : words[1] == "80" ? .plain : .other }
    // What changes a name in no way that counts.
    let parts = fetch.split(separator: ",").map(String.init)
    let harmless: Set = ["lower", "host_only", "field(1", "word(1", ":)"]
    guard let sample = parts.first, parts.dropFirst().allSatisfy({ harmless.contains($0) }) else { return .other }
    let hosts: Set = [
      "hdr(host)", "req.hdr(host)", "req.fhdr(host)", "hdr(Host)", "req.hdr(Host)",
      "req.ssl_sni", "req_ssl_sni", "ssl_fc_sni",
    ]
    guard hosts.contains(sample) else { return .other }
    var names: [String] = []
    var seen: Set<String> = []
    var index = 1
    while index < words.count {
      let word = words[index]
      switch word {
      case "-i", "--", "-n": break
      case "-m":
        index += 1
        guard index < words.count, words[index] == "str" else { return .other }
      case _ where word.hasPrefix("-"): return .other
      default:
        guard let name = HostName.split(word, defaultPort: 443)?.host.lowercased(), name.contains("."),
          HostName.isValid(name)
        else { return .other }
        if seen.insert(name).inserted { names.append(name) }
      }
      index += 1
    }
    return names.isEmpty ? .other : .hosts(names)
  }
}
