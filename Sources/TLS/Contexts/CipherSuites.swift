import Domain

extension TLSProfile {
  /// TLS 1.2 suites in order of preference, in OpenSSL's names (RFC 5289, RFC 7905).
  var cipherList: String {
    let authenticated = [
      "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ]
    let chained = ["ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384"]
    return (self == .legacy ? authenticated + chained : authenticated).joined(separator: ":")
  }

  /// TLS 1.3 suites in order of preference (RFC 8446 §B.4). AES-128 first: the cheapest of equals.
  static let cipherSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

  /// Groups for the key exchange, in order of preference (RFC 8446 §4.2.7).
  static let groups = "X25519:P-256:P-384"
  /// The same for a system in FIPS mode, which has no X25519 and so refuses the list that names it.
  static let groupsWithoutX25519 = "P-256:P-384"
}

/// A protocol version that a connection may have agreed on.
public enum TLSVersion: UInt16, Sendable, CustomStringConvertible {
  case tls12 = 0x0303
  case tls13 = 0x0304

  /// As access logs write it.
  public var description: String { self == .tls13 ? "TLSv1.3" : "TLSv1.2" }
}
