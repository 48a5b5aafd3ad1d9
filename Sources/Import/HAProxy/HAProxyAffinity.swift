/// How clients are assigned to servers.
extension HAProxyImport {
  mutating func cookieVerdict(_ line: Statement, _ draft: inout ServiceDraft) -> Verdict {
    guard !draft.isPassthrough else { return .impossible("mode `passthrough` sees no cookies") }
    let name = line[1] ?? ""
    let options = Set(line.words.dropFirst(2))
    let inserts = line.words[0] == "cookie" && (options.contains("insert") || options.contains("rewrite"))
    let own = inserts ? "JSESSIONID" : name
    guard Self.isCookie(own) else { return .impossible("name the cookie of the servers' sessions in affinity.by") }
    return chooseCookie(own, withTunnel: inserts, &draft)
  }

  private func chooseCookie(_ name: String, withTunnel: Bool, _ draft: inout ServiceDraft) -> Verdict {
    let entries = (withTunnel ? ["tunnel"] : []) + ["cookie \(name)", "client-address"]
    return draft.choose(
      "affinity.by", .list(entries.map { .scalar($0) }),
      text: "[\(entries.joined(separator: ", "))], by the cookie that the servers set")
  }

  private static func isCookie(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
      }
  }

  mutating func settleStickTable(_ line: Statement, _ draft: inout ServiceDraft) {
    ledger.settle(line.place(0..<1), .standard("assignments are remembered: affinity"))
    var index = 1
    while index < line.words.count {
      let word = line.words[index]
      let value = line[index + 1] ?? ""
      var count = 2
      let verdict: Verdict
      switch word {
      case "type" where value == "ip" || value == "ipv6": verdict = .standard("affinity.by: client-address")
      case "type":
        if ["string", "binary"].contains(value), line[index + 2] == "len" { count = 4 }
        verdict = .notNeeded("affinity.by says what is remembered")
      case "size": verdict = draft.chooseNumber("affinity.entries", value, 1...10_000_000)
      case "expire": verdict = draft.chooseTime("affinity.hold", value, 1000...604_800_000)
      case "nopurge":
        count = 1
        verdict = .impossible("a new client replaces the one that has been idle longest")
      case "peers":
        verdict = .notNeeded("both nodes find the same server for an address; `pair` shares the rest (docs/pair.md)")
      case "store": verdict = .impossible("a rate of each client is `rates`, to be chosen anew")
      case "write-to", "srvkey": verdict = .notNeeded("a client is assigned to a server by its name")
      default:
        count = 1
        verdict = .impossible("the import does not know this")
      }
      ledger.settle(line.place(index..<(index + count)), verdict)
      index += count
    }
  }

  mutating func stickVerdict(_ line: Statement, _ draft: inout ServiceDraft) -> Verdict {
    guard let start = line.words.firstIndex(of: "on").map({ $0 + 1 }) ?? (line[1].map { _ in 2 }),
      let sample = line[start]
    else {
      return .impossible("affinity.by says how a client is recognised")
    }
    guard !line.words.contains("if"), !line.words.contains("unless") else {
      return .impossible("affinity.by applies to all requests")
    }
    let fetch = sample.split(separator: ",").first.map(String.init) ?? ""
    if let table = line.words.firstIndex(of: "table").flatMap({ line[$0 + 1] }), table != proxies[draft.backend].name {
      guard
        let definition = proxies.first(where: { $0.name == table && $0.last("stick-table") != nil })?.last(
          "stick-table")
      else {
        return .impossible("there is no table `\(table)`")
      }
      settleStickTable(definition, &draft)
    }
    if fetch == "src" { return .standard("affinity.by: client-address") }
    for prefix in ["cookie(", "req.cook(", "res.cook(", "req_cook(", "res_cook(", "set-cookie("]
    where fetch.hasPrefix(prefix) {
      let name = String(fetch.dropFirst(prefix.count).prefix { $0 != ")" && $0 != "," })
      guard !draft.isPassthrough else { return .impossible("mode `passthrough` sees no cookies") }
      guard Self.isCookie(name) else { break }
      return chooseCookie(name, withTunnel: false, &draft)
    }
    return .impossible("the client's address, a cookie or a tunnel decides: affinity.by")
  }
}
