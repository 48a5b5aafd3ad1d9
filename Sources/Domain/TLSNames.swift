/// A name of TLS that a configuration may contain. The raw value is OpenSSL's name, which other balancers use as well.
public protocol TLSName: RawRepresentable<String>, CaseIterable, Hashable, Sendable, SendableMetatype {
  /// What it is, in messages: `cipher`.
  static var noun: String { get }
  /// Names of the same in other programs.
  static var synonyms: [String: Self] { get }
}

extension TLSName {
  public static var synonyms: [String: Self] { [:] }
}

/// A cipher up to TLS 1.2 (RFC 5246, RFC 5289, RFC 7905). None with DHE: a client can use much of our CPU time with it
/// at little cost (CVE-2002-20001).
public enum TLSCipher: String, TLSName {
  case ecdheECDSAWithAES128GCM = "ECDHE-ECDSA-AES128-GCM-SHA256"
  case ecdheRSAWithAES128GCM = "ECDHE-RSA-AES128-GCM-SHA256"
  case ecdheECDSAWithAES256GCM = "ECDHE-ECDSA-AES256-GCM-SHA384"
  case ecdheRSAWithAES256GCM = "ECDHE-RSA-AES256-GCM-SHA384"
  case ecdheECDSAWithChaCha20 = "ECDHE-ECDSA-CHACHA20-POLY1305"
  case ecdheRSAWithChaCha20 = "ECDHE-RSA-CHACHA20-POLY1305"
  case ecdheECDSAWithAES128SHA256 = "ECDHE-ECDSA-AES128-SHA256"
  case ecdheRSAWithAES128SHA256 = "ECDHE-RSA-AES128-SHA256"
  case ecdheECDSAWithAES256SHA384 = "ECDHE-ECDSA-AES256-SHA384"
  case ecdheRSAWithAES256SHA384 = "ECDHE-RSA-AES256-SHA384"
  case ecdheECDSAWithAES128SHA = "ECDHE-ECDSA-AES128-SHA"
  case ecdheRSAWithAES128SHA = "ECDHE-RSA-AES128-SHA"
  case ecdheECDSAWithAES256SHA = "ECDHE-ECDSA-AES256-SHA"
  case ecdheRSAWithAES256SHA = "ECDHE-RSA-AES256-SHA"
  case rsaWithAES128GCM = "AES128-GCM-SHA256"
  case rsaWithAES256GCM = "AES256-GCM-SHA384"
  case rsaWithAES128SHA256 = "AES128-SHA256"
  case rsaWithAES256SHA256 = "AES256-SHA256"
  case rsaWithAES128SHA = "AES128-SHA"
  case rsaWithAES256SHA = "AES256-SHA"

  public static let noun = "cipher"

  /// Whether who gets the certificate's key later can decrypt what was recorded (RFC 9325 §4.1).
  public var lacksForwardSecrecy: Bool { !rawValue.hasPrefix("ECDHE-") }
}

/// A cipher of TLS 1.3 (RFC 8446 §B.4), in order of preference. AES-128 first: the cheapest of equals.
public enum TLSCipherSuite: String, TLSName {
  case aes128GCM = "TLS_AES_128_GCM_SHA256"
  case aes256GCM = "TLS_AES_256_GCM_SHA384"
  case chaCha20 = "TLS_CHACHA20_POLY1305_SHA256"

  public static let noun = "cipher of TLS 1.3"
}

/// A group of the key exchange (RFC 8446 §4.2.7), also called a curve.
public enum TLSGroup: String, TLSName {
  case x25519 = "X25519"
  case p256 = "P-256"
  case p384 = "P-384"
  case p521 = "P-521"

  public static let noun = "group"
  public static let synonyms: [String: TLSGroup] = [
    "prime256v1": .p256, "secp256r1": .p256, "secp384r1": .p384, "secp521r1": .p521,
  ]
}

/// A signature algorithm of a handshake (RFC 8446 §4.2.3).
public enum TLSSignatureAlgorithm: String, TLSName {
  case ecdsaP256SHA256 = "ecdsa_secp256r1_sha256"
  case ecdsaP384SHA384 = "ecdsa_secp384r1_sha384"
  case ecdsaP521SHA512 = "ecdsa_secp521r1_sha512"
  case ed25519 = "ed25519"
  case pssSHA256 = "rsa_pss_rsae_sha256"
  case pssSHA384 = "rsa_pss_rsae_sha384"
  case pssSHA512 = "rsa_pss_rsae_sha512"
  case pkcs1SHA256 = "rsa_pkcs1_sha256"
  case pkcs1SHA384 = "rsa_pkcs1_sha384"
  case pkcs1SHA512 = "rsa_pkcs1_sha512"

  public static let noun = "signature algorithm"
  public static let synonyms: [String: TLSSignatureAlgorithm] = [
    "ECDSA+SHA256": .ecdsaP256SHA256, "ECDSA+SHA384": .ecdsaP384SHA384, "ECDSA+SHA512": .ecdsaP521SHA512,
    "RSA-PSS+SHA256": .pssSHA256, "RSA-PSS+SHA384": .pssSHA384, "RSA-PSS+SHA512": .pssSHA512,
    "rsa_pss_sha256": .pssSHA256, "rsa_pss_sha384": .pssSHA384, "rsa_pss_sha512": .pssSHA512,
    "PSS+SHA256": .pssSHA256, "PSS+SHA384": .pssSHA384, "PSS+SHA512": .pssSHA512,
    "RSA+SHA256": .pkcs1SHA256, "RSA+SHA384": .pkcs1SHA384, "RSA+SHA512": .pkcs1SHA512,
  ]

  /// Whether TLS 1.3 has it: not PKCS #1 v1.5.
  public var isForTLS13: Bool {
    switch self {
    case .pkcs1SHA256, .pkcs1SHA384, .pkcs1SHA512: false
    default: true
    }
  }
}
