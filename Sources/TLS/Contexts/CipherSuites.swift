import Domain

extension TLSProfile {
  /// The oldest accepted version.
  var minimum: TLSVersion {
    switch self {
    case .modern: .tls13
    case .intermediate, .legacy: .tls12
    case .old: .tls10
    }
  }

  /// Suites up to TLS 1.2 in order of preference, by OpenSSL name (RFC 5289, RFC 7905).
  var cipherList: String {
    let authenticated = [
      "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
      "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
      "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ]
    let chained = ["ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384"]
    let broken = [
      "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA", "ECDHE-RSA-AES256-SHA",
      "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA256", "AES256-SHA256", "AES128-SHA", "AES256-SHA",
    ]
    let list =
      switch self {
      case .modern, .intermediate: authenticated
      case .legacy: authenticated + chained
      // OpenSSL rejects SHA-1 in handshakes from security level 1 on, and with it TLS 1.0 and 1.1.
      case .old: authenticated + chained + broken + ["@SECLEVEL=0"]
      }
    return list.joined(separator: ":")
  }

  /// TLS 1.3 suites in order of preference (RFC 8446 §B.4). AES-128 first: the cheapest of equals.
  static let cipherSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

  /// Key exchange groups in order of preference (RFC 8446 §4.2.7).
  static let groups = "X25519:P-256:P-384"
  /// For a system in FIPS mode, which lacks X25519 and rejects lists that name it.
  static let groupsWithoutX25519 = "P-256:P-384"
}

/// The negotiated protocol version.
public enum TLSVersion: UInt16, Sendable, CustomStringConvertible {
  case tls10 = 0x0301
  case tls11 = 0x0302
  case tls12 = 0x0303
  case tls13 = 0x0304

  /// As in access logs.
  public var description: String {
    switch self {
    case .tls10: "TLSv1"
    case .tls11: "TLSv1.1"
    case .tls12: "TLSv1.2"
    case .tls13: "TLSv1.3"
    }
  }
}
