import Domain

/// A policy as OpenSSL takes it: names in order of preference, separated by colons.
extension TLSPolicy {
  /// Suites up to TLS 1.2.
  var cipherList: String {
    let names = ciphers.map(\.rawValue)
    // OpenSSL rejects SHA-1 in handshakes from security level 1 on, and with it TLS 1.0 and 1.1.
    return (profile == .old ? names + ["@SECLEVEL=0"] : names).joined(separator: ":")
  }

  /// Suites of TLS 1.3.
  var cipherSuiteList: String { cipherSuites.map(\.rawValue).joined(separator: ":") }

  /// Key exchange groups. The second list is for a system in FIPS mode, which lacks X25519 and rejects lists that name
  /// it; there is none where the configuration names X25519.
  var groupLists: [String] {
    let names = groups.map(\.rawValue)
    let without = restrictions.groups.isEmpty ? names.filter { $0 != TLSGroup.x25519.rawValue } : []
    return [names, without].filter { !$0.isEmpty }.map { $0.joined(separator: ":") }
  }

  /// Nil: OpenSSL's.
  var signatureAlgorithmList: String? {
    let names = restrictions.signatureAlgorithms.map(\.rawValue)
    return names.isEmpty ? nil : names.joined(separator: ":")
  }

  /// The name of the sessions that can be resumed with each other: in all contexts of the same policy, including the
  /// next configuration's and other nodes', but in no other policy: a TLS 1.2 session would keep its cipher. At most 32
  /// bytes (SSL_CTX_set_session_id_context(3)).
  var sessionScope: [UInt8] {
    guard !restrictions.isEmpty else { return Array("belvedere \(profile.rawValue)".utf8) }
    let lists = [
      profile.rawValue, "\(minimum)", cipherList, cipherSuiteList, groups.map(\.rawValue).joined(separator: ":"),
      signatureAlgorithmList ?? "",
    ]
    return Digest.sha256(Array(lists.joined(separator: "\n").utf8))
  }
}
