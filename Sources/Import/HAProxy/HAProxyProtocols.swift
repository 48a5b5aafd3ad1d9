/// Versions of TLS, and tickets: what `global` says, and what lines say of their own.
extension HAProxyImport {
  /// The profile and the tickets of a service, if all of its listeners agree.
  mutating func readProtocols(into draft: inout ServiceDraft) {
    guard !draft.isPassthrough else { return }
    let profiles = profiles(of: draft)
    if profiles.count == 1, let profile = profiles.first { draft.settings.set(["tls", "profile"], .scalar(profile)) }
    if hasTickets(draft) == [false] { draft.settings.set(["tls", "tickets"], .scalar("false")) }
  }

  private func profiles(of draft: ServiceDraft) -> Set<String> {
    let standard = Self.lowestVersion(globalWords("ssl-default-bind-options"))
    return Set(
      draft.binds.filter(\.isSecure).map { bind in
        let own = Self.lowestVersion(bind.parameters.flatMap { [$0.name] + $0.arguments })
        return Self.profile(lowest: own ?? standard ?? "TLSv1.2")
      })
  }

  private func hasTickets(_ draft: ServiceDraft) -> Set<Bool> {
    let isOff = globalWords("ssl-default-bind-options").contains("no-tls-tickets")
    return Set(
      draft.binds.filter(\.isSecure).map { bind in !isOff && !bind.parameters.contains { $0.name == "no-tls-tickets" } }
    )
  }

  func profileVerdict(of draft: ServiceDraft) -> Verdict {
    let profiles = profiles(of: draft)
    guard profiles.count == 1, let profile = profiles.first else {
      return .impossible("a service has one `tls.profile`, and its listeners differ")
    }
    return profile == Standards.values["tls.profile"]
      ? .standard("tls.profile: \(profile)") : .taken("tls.profile: \(profile)")
  }

  func ticketsVerdict(of draft: ServiceDraft) -> Verdict {
    hasTickets(draft).count == 1
      ? .taken("tls.tickets: false") : .impossible("a service has one `tls.tickets`, and its listeners differ")
  }

  /// The profile towards servers that say nothing of their own.
  var serverProfile: String {
    Self.profile(lowest: Self.lowestVersion(globalWords("ssl-default-server-options")) ?? "TLSv1.2")
  }

  /// The words of all lines of `global` with a keyword.
  private func globalWords(_ keyword: String) -> [String] {
    globals.filter { $0.words[0] == keyword }.flatMap { $0.words.dropFirst() }
  }

  /// The lowest version of TLS that options leave; nil if they do not say.
  static func lowestVersion(_ words: [String]) -> String? {
    var lowest: String?
    for (index, word) in words.enumerated() {
      switch word {
      case "ssl-min-ver" where index + 1 < words.count: lowest = words[index + 1]
      case "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13": lowest = "TLSv1." + word.suffix(1)
      case "no-tlsv12": lowest = "TLSv1.3"
      default: break
      }
    }
    return lowest
  }

  /// A line of options for all listeners, or all servers, word by word.
  mutating func settleOptions(_ line: Statement, profile key: String) {
    ledger.settle(line.place(0..<1), .taken("`\(key)` of each service"))
    var index = 1
    while let word = line[index] {
      let count = ["ssl-min-ver", "ssl-max-ver"].contains(word) ? 2 : 1
      let verdict: Verdict
      switch word {
      case "ssl-min-ver", "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13", "no-tlsv12":
        verdict = .taken("`\(key)` of each service")
      case "no-tls-tickets":
        verdict = key == "tls.profile" ? .taken("tls.tickets: false") : .notNeeded("sessions are resumed")
      case "no-sslv3", "no-tlsv10", "no-tlsv11": verdict = .notNeeded("`\(key)` has no such version but with `old`")
      case "ssl-max-ver" where line[index + 1] == "TLSv1.3": verdict = .standard("TLS 1.3 is spoken")
      case "ssl-max-ver", "no-tlsv13": verdict = .impossible("TLS 1.3 is always spoken")
      case "prefer-client-ciphers": verdict = .notNeeded("`\(key)` chooses the ciphers")
      default: verdict = .impossible("the import does not know this")
      }
      ledger.settle(line.place(index..<(index + count)), verdict)
      index += count
    }
  }
}
