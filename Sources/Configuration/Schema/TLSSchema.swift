import Domain

/// What a site may set apart from a TLS profile, by name.
extension Schema {
  /// The keys that `tls` and `server-tls` have in common.
  static let restrictions: [Key<TLSRestrictions>] = [
    Key(
      "minimum-version", \.minimumVersion, .optional(.tlsVersion), default: "the profile's", example: "TLSv1.3",
      "The oldest version, if it is to be a later one than the profile's."),
    Key(
      "ciphers", \.ciphers, .oneOrMore(.tlsName), default: "the profile's",
      example: "[ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-RSA-AES256-GCM-SHA384]",
      "The [ciphers](#ciphers) of TLS 1.2 and earlier instead of the profile's, in order of preference."),
    Key(
      "cipher-suites", \.cipherSuites, .oneOrMore(.tlsName), default: "all", example: "TLS_AES_256_GCM_SHA384",
      "The [ciphers](#ciphers) of TLS 1.3 likewise."),
    Key(
      "groups", \.groups, .oneOrMore(.tlsName), default: "X25519, P-256, P-384", example: "[P-384, P-256]",
      "The [groups](#groups) of the key exchange, also called curves, in order of preference."),
    Key(
      "signature-algorithms", \.signatureAlgorithms, .oneOrMore(.tlsName), default: "OpenSSL's",
      example: "[ecdsa_secp384r1_sha384, rsa_pss_rsae_sha384]",
      "The [algorithms](#signature-algorithms) that handshakes may be signed with, in order of preference."),
  ]

  static let serverTLS = Section<TLSRestrictions>(name: "server-tls", keys: restrictions)

  /// The key that a name belongs to.
  fileprivate static func home(ofTLSName text: String) -> String? {
    if TLSCipher(rawValue: text) != nil { return "ciphers" }
    if TLSCipherSuite(rawValue: text) != nil { return "cipher-suites" }
    if TLSGroup(rawValue: text) != nil { return "groups" }
    return TLSSignatureAlgorithm(rawValue: text) != nil ? "signature-algorithms" : nil
  }
}

extension TLSRestrictions: DefaultInitialized {}

extension Kind where Value: TLSName {
  static var tlsName: Kind {
    let names = Value.allCases.map(\.rawValue)
    return .text(Value.noun, expected: "a \(Value.noun) such as `\(names[0])`", write: \.rawValue) {
      text throws(Complaint) in
      if let value = Value(rawValue: text) { return value }
      let message = "unknown \(Value.noun) `\(Node.shortened(text))`"
      if text.contains(":") {
        throw Complaint(message: message, suggestion: "Several names are a list: [NAME, NAME].")
      }
      if let home = Schema.home(ofTLSName: text) {
        throw Complaint(message: message, suggestion: "It belongs in `\(home)`.")
      }
      if let same = Value.synonyms.first(where: { $0.key.lowercased() == text.lowercased() })?.value.rawValue
        ?? Suggestion.nearest(to: text, among: names)
      {
        throw Complaint(message: message, suggestion: "Did you mean `\(same)`?")
      }
      let all = "The names are \(names.joined(separator: ", "))."
      throw Complaint(
        message: message, suggestion: names.count <= 4 ? all : "docs/configuration.md lists the names (TLS by name).")
    }
  }
}

extension Kind where Value == TLSVersion {
  static let tlsVersion: Kind = {
    let words = TLSVersion.allCases.map { "`\($0)`" }.joined(separator: ", ")
    return .text(words, expected: "one of \(words)") { text throws(Complaint) in
      if let version = TLSVersion.allCases.first(where: { $0.description == text }) { return version }
      let digits = text.drop { !$0.isNumber }
      guard let meant = TLSVersion.allCases.first(where: { $0.description.hasSuffix(digits) }), digits.first == "1"
      else {
        return nil
      }
      throw Complaint(
        message: "expected one of \(words), found `\(Node.shortened(text))`", suggestion: "Did you mean `\(meant)`?")
    }
  }()
}
