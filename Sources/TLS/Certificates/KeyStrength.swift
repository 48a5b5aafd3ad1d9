import COpenSSL

/// A key's type and size, which clients judge it by.
enum KeyStrength: Equatable, Sendable, CustomStringConvertible {
  case rsa(bits: Int)
  /// `curve` is the NIST name if there is one, else OpenSSL's.
  case ecdsa(curve: String, bits: Int)
  case ed25519
  /// OpenSSL's name of the type.
  case other(String)

  /// From an `EVP_PKEY`; null is `.other`.
  init(of key: OpaquePointer?) {
    // SAFETY: `key` is valid for the call; the type's name is a static string.
    guard let key = unsafe key else {
      self = .other("an unknown kind")
      return
    }
    let bits = Int(unsafe EVP_PKEY_get_bits(key))
    switch unsafe EVP_PKEY_get_base_id(key) {
    case EVP_PKEY_RSA: self = .rsa(bits: bits)
    case EVP_PKEY_EC: self = .ecdsa(curve: unsafe Self.curve(of: key), bits: bits)
    case EVP_PKEY_ED25519: self = .ed25519
    default: self = .other(unsafe EVP_PKEY_get0_type_name(key).map { unsafe String(cString: $0) } ?? "an unknown kind")
    }
  }

  /// Whether current clients reject it: less than 112 bits of security (NIST SP 800-57), or a type that Chrome and
  /// Windows do not support.
  var isRefused: Bool {
    switch self {
    case .rsa(let bits): bits < 2048
    case .ecdsa(let curve, _): curve != "P-256" && curve != "P-384"
    case .ed25519, .other: true
    }
  }

  var description: String {
    switch self {
    case .rsa(let bits): "RSA \(bits)"
    case .ecdsa(let curve, _): "ECDSA \(curve)"
    case .ed25519: "Ed25519"
    case .other(let name): name
    }
  }

  private static func curve(of key: OpaquePointer) -> String {
    var name = [CChar](repeating: 0, count: 64)
    // SAFETY: at most `name.count` bytes are written, the NUL among them; both names are static strings.
    guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1 else {
      ERR_clear_error()
      return "unnamed"
    }
    guard let known = unsafe EC_curve_nid2nist(OBJ_txt2nid(name)) else {
      return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    return unsafe String(cString: known)
  }
}
