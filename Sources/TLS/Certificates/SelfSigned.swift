import COpenSSL

/// Generated certificates, for the demo and for tests.
public enum SelfSigned {
  /// A new ECDSA P-256 key and a certificate for `names` (host names or addresses; the first is also the common name),
  /// self-signed or signed by `issuer`. An `authority` can sign others; its first name is any text, and it is for no
  /// host. `validity` is in seconds from now by the system clock; by default from a minute ago for a day.
  public static func make(
    for names: [String], signedBy issuer: CertificatePair? = nil, authority: Bool = false,
    validity: ClosedRange<Int> = -60...86_400
  ) throws(TLSError) -> CertificatePair {
    _ = Library.ready
    // SAFETY: every pointer is allocated here and owned by the two objects; setters copy their arguments.
    guard let made = unsafe belvedere_generate_curve("P-256"), let blank = unsafe X509_new() else { throw failed() }
    let key = unsafe PrivateKey(adopting: made)
    let certificate = unsafe Certificate(adopting: blank)
    let x509 = unsafe certificate.x509
    let signer = issuer?.key ?? key
    let subject = unsafe X509_get_subject_name(x509)
    // RFC 5280 appendix A: a common name holds at most 64 characters.
    let commonName = names.first { $0.utf8.count <= 64 } ?? "belvedere"
    let serialNumber = try serialNumber()
    guard unsafe X509_set_version(x509, Int(X509_VERSION_3)) == 1,
      unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serialNumber) == 1,
      unsafe X509_gmtime_adj(X509_getm_notBefore(x509), validity.lowerBound) != nil,
      unsafe X509_gmtime_adj(X509_getm_notAfter(x509), validity.upperBound) != nil,
      unsafe X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, commonName, -1, -1, 0) == 1,
      unsafe X509_set_issuer_name(x509, issuer.map { unsafe X509_get_subject_name($0.certificate.x509) } ?? subject)
        == 1,
      unsafe X509_set_pubkey(x509, key.key) == 1
    else { throw failed() }
    try add(NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE", to: certificate)
    if !authority && !names.isEmpty { try add(NID_subject_alt_name, alternativeNames(names), to: certificate) }
    guard unsafe X509_sign(x509, signer.key, EVP_sha256()) > 0 else { throw failed() }
    let chain = issuer.map { [$0.certificate] + $0.chain.issuers + ($0.chain.root.map { [$0] } ?? []) } ?? []
    return try CertificatePair(
      [certificate] + chain, key: key, origin: "the certificate made for \(commonName)", keyOrigin: "")
  }

  private static func add(_ extensionType: Int32, _ value: String, to certificate: Certificate) throws(TLSError) {
    // SAFETY: the extension is allocated and freed here; the certificate, which its owner keeps, copies it.
    guard let made = unsafe X509V3_EXT_conf_nid(nil, nil, extensionType, value) else { throw failed() }
    defer { unsafe X509_EXTENSION_free(made) }
    guard unsafe X509_add_ext(certificate.x509, made, -1) == 1 else { throw failed() }
  }

  /// In the syntax of x509v3_config(5). `ReferenceIdentity` validates each name, so it can't contain that syntax.
  private static func alternativeNames(_ names: [String]) throws(TLSError) -> String {
    var entries: [String] = []
    for text in names {
      let wildcard = text.hasPrefix("*.")
      let name = try ReferenceIdentity(wildcard ? String(text.dropFirst(2)) : text)
      entries.append((name.kind == .address ? "IP:" : "DNS:") + (wildcard ? "*." : "") + name.text)
    }
    return entries.joined(separator: ",")
  }

  private static func serialNumber() throws(TLSError) -> UInt64 {
    // RFC 5280 §4.1.2.2: positive.
    try RandomBytes.make(8).reduce(0) { $0 << 8 | UInt64($1) } >> 1 | 1
  }

  fileprivate static func failed() -> TLSError {
    .openssl(doing: "making a certificate", reason: takeQueuedReason())
  }
}

extension CertificatePair {
  /// The certificate and the issuers sent with it, as PEM text.
  public func certificatePEM() throws(TLSError) -> [UInt8] {
    // SAFETY: `pem` lends the BIO for the call; the certificates are valid as long as their owners.
    try unsafe Self.pem { sink in
      ([certificate] + chain.issuers).allSatisfy { unsafe PEM_write_bio_X509(sink, $0.x509) == 1 }
    }
  }

  /// The private key as PEM text, unencrypted.
  public func privateKeyPEM() throws(TLSError) -> [UInt8] {
    // SAFETY: `pem` lends the BIO for the call; the key is valid as long as its owner.
    try unsafe Self.pem { unsafe PEM_write_bio_PKCS8PrivateKey($0, key.key, nil, nil, 0, nil, nil) == 1 }
  }

  private static func pem(_ write: (OpaquePointer) -> Bool) throws(TLSError) -> [UInt8] {
    // SAFETY: the memory BIO is allocated and freed here (with its bytes zeroed, BIO_s_secmem); they are copied before.
    guard let sink = unsafe BIO_new(BIO_s_secmem()) else { throw SelfSigned.failed() }
    defer { _ = unsafe BIO_free(sink) }
    guard unsafe write(sink) else { throw SelfSigned.failed() }
    return unsafe bytes(ofMemory: sink)
  }
}
