import Domain

/// What listeners ask of clients in a handshake: certificates, and names of TLS.
extension HAProxyImport {
  /// The parameters of a `bind` line that are settled here.
  static let clientParameters: Set = ["verify", "ca-file", "crl-file", "ciphers", "ciphersuites", "curves", "ecdhe"]

  /// The lists of names, by HAProxy's parameter: ours, and its names.
  private static let lists: [(parameter: String, key: String, name: @Sendable (String) -> String?)] = [
    ("ciphers", "ciphers", { named(TLSCipher.self, $0) }),
    ("ciphersuites", "cipher-suites", { named(TLSCipherSuite.self, $0) }),
    ("curves", "groups", { named(TLSGroup.self, $0) }), ("ecdhe", "groups", { named(TLSGroup.self, $0) }),
  ]

  /// How we call it; nil if we don't have it.
  private static func named<Name: TLSName>(_ type: Name.Type, _ text: String) -> String? {
    (Name(rawValue: text) ?? Name.synonyms[text])?.rawValue
  }

  /// After the profile.
  mutating func readClientTLS(into draft: inout ServiceDraft) {
    guard !draft.isPassthrough else { return }
    for (parameter, key, _) in Self.lists {
      guard let names = names(of: parameter, in: draft), !isWithoutEffect(key, in: draft) else { continue }
      draft.settings.set(["tls", key], names.count == 1 ? .scalar(names[0]) : .list(names.map { .scalar($0) }))
    }
    guard let asked = askedCertificates(of: draft), !isOld(draft) else { return }
    draft.settings.set(["tls", "client-certificates", "ca"], .scalar(asked.authorities))
    if let lists = asked.lists { draft.settings.set(["tls", "client-certificates", "crl"], .scalar(lists)) }
    if !asked.isRequired { draft.settings.set(["tls", "client-certificates", "required"], .scalar("false")) }
  }

  func clientVerdict(on parameter: ServerLine.Parameter, in draft: ServiceDraft) -> Verdict {
    guard !draft.isPassthrough else { return .notNeeded("nothing is decrypted there") }
    if let list = Self.lists.first(where: { $0.parameter == parameter.name }) {
      if isWithoutEffect(list.key, in: draft) { return .notNeeded("`tls.profile: modern` has TLS 1.3 only") }
      return names(of: parameter.name, in: draft) == nil
        ? .notNeeded("`tls.profile` chooses; `tls.\(list.key)` takes names that all listeners of a service share")
        : .taken("tls.\(list.key)")
    }
    if parameter.name == "verify", parameter.arguments == ["none"] {
      return .standard("tls: { client-certificates: off }")
    }
    let asksForNone = draft.binds.allSatisfy { ["none", nil].contains($0.value("verify")) }
    if asksForNone { return .notNeeded("clients are not asked for certificates") }
    if isOld(draft) { return .impossible("certificates can't be verified with `tls.profile: old`: use `legacy`") }
    return askedCertificates(of: draft) == nil
      ? .impossible("write `tls.client-certificates`: all listeners of a service ask for the same, with `ca-file`")
      : .taken("tls.client-certificates")
  }

  /// The verdict on a line of `global` with names for all listeners; nil if it is another one.
  func globalNamesVerdict(_ line: Statement) -> Verdict? {
    guard let list = Self.lists.first(where: { line.words[0] == "ssl-default-bind-" + $0.parameter }),
      Self.names(line[1], list.name) != nil
    else { return nil }
    return .taken("`tls.\(list.key)` of each service")
  }

  /// The names that all listeners of a service have; nil if they differ, have none, or have one that we don't.
  private func names(of parameter: String, in draft: ServiceDraft) -> [String]? {
    guard let list = Self.lists.first(where: { $0.parameter == parameter }) else { return nil }
    let standard = globalWord("ssl-default-bind-" + parameter)
    let texts = Set(draft.binds.filter(\.isSecure).map { $0.value(parameter) ?? standard })
    return texts.count == 1 ? texts.first.flatMap { Self.names($0, list.name) } : nil
  }

  private static func names(_ text: String?, _ name: (String) -> String?) -> [String]? {
    guard let words = text?.split(separator: ":"), !words.isEmpty else { return nil }
    let names = words.compactMap { name(String($0)) }
    return names.count == words.count && Set(names).count == names.count ? names : nil
  }

  private func isWithoutEffect(_ key: String, in draft: ServiceDraft) -> Bool {
    key == "ciphers" && draft.settings.node(at: ["tls", "profile"]) == .scalar("modern")
  }

  private func isOld(_ draft: ServiceDraft) -> Bool { draft.settings.node(at: ["tls", "profile"]) == .scalar("old") }

  private struct AskedCertificates: Hashable {
    let authorities: String
    let lists: String?
    let isRequired: Bool
  }

  /// What all listeners of a service ask for; nil if they differ or ask for nothing.
  private func askedCertificates(of draft: ServiceDraft) -> AskedCertificates? {
    let asked = Set(
      draft.binds.filter(\.isSecure).map { bind -> AskedCertificates? in
        guard let verify = bind.value("verify"), ["required", "optional"].contains(verify),
          let file = bind.value("ca-file"), !file.hasPrefix("@")
        else { return nil }
        return AskedCertificates(
          authorities: path(file, below: "ca-base"), lists: bind.value("crl-file").map { path($0, below: "ca-base") },
          isRequired: verify == "required")
      })
    return asked.count == 1 ? asked.first ?? nil : nil
  }
}

extension BindLine {
  /// The argument of a parameter; nil without one.
  fileprivate func value(_ name: String) -> String? {
    parameters.first { $0.name == name }?.arguments.first.flatMap { $0.isEmpty ? nil : $0 }
  }
}
