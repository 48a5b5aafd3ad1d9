import COpenSSL

@testable import TLS

/// Makes certificates as an operator may have them, weak and unusual ones included.
enum CertificateFactory {
  enum Key {
    case rsa(Int)
    /// OpenSSL's name of the curve.
    case curve(String)
    case ed25519

    func make() -> PrivateKey {
      _ = Library.ready
      let made: OpaquePointer?
      switch self {
      case .rsa(let bits):
        let context = unsafe EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        unsafe EVP_PKEY_keygen_init(context)
        unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits))
        unsafe EVP_PKEY_keygen(context, &key)
        unsafe made = key
      case .curve(let name): unsafe made = belvedere_generate_curve(name)
      case .ed25519:
        unsafe made = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, Array(repeating: 7, count: 32), 32)
      }
      guard let made = unsafe made else { preconditionFailure("no key: \(takeQueuedReason())") }
      return unsafe PrivateKey(adopting: made)
    }
  }

  /// One certificate and its key.
  struct IssuedCertificate {
    let certificate: Certificate
    let key: PrivateKey

    /// With these others in its file, in this order, itself at `place` among them.
    func pair(with others: [IssuedCertificate] = [], at place: Int = 0) throws -> CertificatePair {
      var file = others.map(\.certificate)
      file.insert(certificate, at: place)
      return try CertificatePair(file, key: key, origin: "view.pem", keyOrigin: "view.pem")
    }
  }

  /// A certificate with this common name. `extensions` are in the format of x509v3_config(5); times are in seconds from
  /// now.
  static func make(
    _ name: String, signedBy issuer: IssuedCertificate? = nil, key: Key = .curve("P-256"), digest: String = "SHA256",
    extensions: [(Int32, String)] = [], validity: ClosedRange<Int> = -60...86_400
  ) -> IssuedCertificate {
    _ = Library.ready
    let key = key.make()
    guard let blank = unsafe X509_new() else { preconditionFailure("no certificate") }
    let certificate = unsafe Certificate(adopting: blank)
    let subject = unsafe X509_get_subject_name(blank)
    unsafe X509_set_version(blank, Int(X509_VERSION_3))
    unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(blank), UInt64.random(in: 1...UInt64.max))
    unsafe X509_gmtime_adj(X509_getm_notBefore(blank), validity.lowerBound)
    unsafe X509_gmtime_adj(X509_getm_notAfter(blank), validity.upperBound)
    unsafe X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0)
    unsafe X509_set_issuer_name(blank, issuer.map { unsafe X509_get_subject_name($0.certificate.x509) } ?? subject)
    unsafe X509_set_pubkey(blank, key.key)
    for (type, value) in extensions {
      guard let made = unsafe X509V3_EXT_conf_nid(nil, nil, type, value) else {
        preconditionFailure("no extension \(value): \(takeQueuedReason())")
      }
      unsafe X509_add_ext(blank, made, -1)
      unsafe X509_EXTENSION_free(made)
    }
    let signer = issuer?.key ?? key
    let algorithm = unsafe signer.type == .ed25519 ? nil : EVP_get_digestbyname(digest)
    guard unsafe X509_sign(blank, signer.key, algorithm) > 0 else {
      preconditionFailure("not signed: \(takeQueuedReason())")
    }
    return IssuedCertificate(certificate: certificate, key: key)
  }

  /// A certificate for a host.
  static func leaf(
    _ name: String = "view.domain.local", signedBy issuer: IssuedCertificate? = nil, key: Key = .curve("P-256"),
    digest: String = "SHA256", extensions: [(Int32, String)] = [], validity: ClosedRange<Int> = -60...86_400
  ) -> IssuedCertificate {
    make(
      name, signedBy: issuer, key: key, digest: digest,
      extensions: [(NID_basic_constraints, "critical,CA:FALSE"), (NID_subject_alt_name, "DNS:\(name)")] + extensions,
      validity: validity)
  }

  /// A CA certificate; a root unless another one signs it.
  static func authority(
    _ name: String, signedBy issuer: IssuedCertificate? = nil, key: Key = .curve("P-256"), digest: String = "SHA256",
    validity: ClosedRange<Int> = -60...864_000
  ) -> IssuedCertificate {
    make(
      name, signedBy: issuer, key: key, digest: digest,
      extensions: [(NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign,cRLSign")],
      validity: validity)
  }

  /// A certificate for the same name and key, issued by another.
  static func resigned(_ made: IssuedCertificate, by issuer: IssuedCertificate) -> IssuedCertificate {
    guard let copy = unsafe X509_dup(made.certificate.x509) else { preconditionFailure("no copy") }
    unsafe X509_set_issuer_name(copy, X509_get_subject_name(issuer.certificate.x509))
    unsafe X509_sign(copy, issuer.key.key, EVP_sha256())
    return IssuedCertificate(certificate: unsafe Certificate(adopting: copy), key: made.key)
  }

  /// A certificate for the same name and key with another validity, in seconds from now.
  static func renewed(_ made: IssuedCertificate, by issuer: IssuedCertificate, validity: ClosedRange<Int>)
    -> IssuedCertificate
  {
    let copy = resigned(made, by: issuer)
    let certificate = unsafe copy.certificate.x509
    unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), UInt64.random(in: 1...UInt64.max))
    unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), validity.lowerBound)
    unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), validity.upperBound)
    unsafe X509_sign(certificate, issuer.key.key, EVP_sha256())
    return copy
  }
}
