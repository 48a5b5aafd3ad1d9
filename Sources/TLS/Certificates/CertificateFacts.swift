import COpenSSL
import Domain
import Wire

/// A certificate's fields, copied for logs, checks and status pages. Control and non-ASCII characters are escaped, so
/// each text is safe on one line.
public struct CertificateFacts: Equatable, Sendable, CustomStringConvertible {
  /// The subject's distinguished name (RFC 2253): `CN=view.domain.local,O=…`; empty when the certificate has none.
  public let subject: String
  /// The issuer's distinguished name.
  public let issuer: String
  /// The serial number in hexadecimal digits, as `openssl x509 -serial` shows it.
  public let serialNumber: String
  /// The kind and size of its key: `RSA 2048`, `ECDSA P-256`, `Ed25519`.
  public let key: String
  /// Whether current clients reject a key of this type and size.
  public let hasRefusedKey: Bool
  /// The algorithm of the issuer's signature, in OpenSSL's name: `ecdsa-with-SHA256`.
  public let signature: String
  /// Whether current clients reject this signature: SHA-1, MD5.
  public let hasWeakSignature: Bool
  /// The host names (subjectAltName dNSName) in lower case; the common name when there is no subjectAltName.
  public let names: [String]
  /// Whether there is a subjectAltName: current clients require one, and ignore the common name.
  public let hasAlternativeNames: Bool
  /// The IP addresses (subjectAltName iPAddress), as text.
  public let addresses: [String]
  /// The start of the validity period.
  public let notBefore: WallTime
  /// The end of the validity period.
  public let notAfter: WallTime
  public let fingerprint: Fingerprint
  /// Whether issuer and subject names are equal.
  public let selfIssued: Bool
  /// The issuer's OCSP responders (authorityInfoAccess, RFC 5280 §4.2.2.1) in order; empty with most current
  /// authorities.
  public let responders: [String]

  /// Whether it has expired at `time`.
  public func expired(at time: WallTime) -> Bool { time > notAfter }

  public var description: String {
    subject.isEmpty ? names.first ?? addresses.first ?? fingerprint.description : subject
  }

  /// Nil when OpenSSL can't compute the fingerprint or parse the dates.
  init?(reading certificate: Certificate) {
    // SAFETY: the X509 is valid as long as `certificate`; results of the getters are read within the call.
    unsafe self.init(reading: certificate.x509)
  }

  /// Reads an `X509`.
  init?(reading certificate: OpaquePointer) {
    // SAFETY: the caller's `certificate` is a valid X509; results of the getters are read within the call.
    guard let from = unsafe Self.time(of: X509_get0_notBefore(certificate)),
      let until = unsafe Self.time(of: X509_get0_notAfter(certificate)),
      let fingerprint = unsafe Fingerprint(of: certificate)
    else { return nil }
    let subject = unsafe X509_get_subject_name(certificate)
    let issuer = unsafe X509_get_issuer_name(certificate)
    unsafe self.subject = Self.text(of: subject)
    unsafe self.issuer = Self.text(of: issuer)
    selfIssued = unsafe X509_NAME_cmp(subject, issuer) == 0
    serialNumber = unsafe Self.serialNumber(of: certificate)
    let strength = unsafe KeyStrength(of: X509_get0_pubkey(certificate))
    key = strength.description
    hasRefusedKey = strength.isRefused
    signature = unsafe Self.signature(of: certificate)
    var security: Int32 = 0
    hasWeakSignature = unsafe X509_get_signature_info(certificate, nil, nil, &security, nil) == 1 && security < 112
    responders = unsafe AuthorityInformation(of: certificate).responders
    notBefore = from
    notAfter = until
    self.fingerprint = fingerprint
    let identities = unsafe CertificateIdentities(of: certificate)
    names = identities.names
    hasAlternativeNames = identities.areAlternativeNames
    addresses = identities.addresses
  }

  /// Nil when a time is invalid. A time outside the calendar's range becomes the nearest one in it.
  static func time(of time: UnsafePointer<ASN1_TIME>?) -> WallTime? {
    // SAFETY: `epoch` is allocated and freed here; `time` is borrowed from a valid certificate.
    guard let epoch = unsafe ASN1_TIME_set(nil, 0) else { return nil }
    defer { unsafe ASN1_STRING_free(epoch) }
    var days: Int32 = 0
    var seconds: Int32 = 0
    guard unsafe ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else {
      ERR_clear_error()
      return nil
    }
    return WallTime(seconds: Int64(days) * 86_400 + Int64(seconds))
  }

  private static func signature(of certificate: OpaquePointer) -> String {
    // SAFETY: the name is a static string.
    guard let name = unsafe OBJ_nid2ln(X509_get_signature_nid(certificate)) else { return "an unknown algorithm" }
    return unsafe String(cString: name)
  }

  private static func serialNumber(of certificate: OpaquePointer) -> String {
    // SAFETY: the number is borrowed from the valid certificate; its bytes are copied here.
    guard let number = unsafe X509_get0_serialNumber(certificate) else { return "" }
    return unsafe Hexadecimal.text(CertificateIdentities.bytes(of: number)).uppercased()
  }

  /// An `X509_NAME` as text.
  static func text(of name: OpaquePointer?) -> String {
    // SAFETY: the memory BIO is allocated and freed here; its bytes are copied before.
    guard let sink = unsafe BIO_new(BIO_s_mem()) else { return "" }
    defer { _ = unsafe BIO_free(sink) }
    _ = unsafe X509_NAME_print_ex(sink, name, 0, belvedere_name_flags())
    return unsafe String(decoding: bytes(ofMemory: sink), as: UTF8.self)
  }
}

/// A copy of a memory BIO's contents.
func bytes(ofMemory sink: OpaquePointer) -> [UInt8] {
  var start: UnsafeMutablePointer<CChar>?
  // SAFETY: the `count` bytes at `start` are valid until the BIO is written to or freed.
  let count = unsafe belvedere_bio_memory(sink, &start)
  guard count > 0, let first = unsafe start else { return [] }
  return unsafe UnsafeBufferPointer(start: first, count: count).map { UInt8(bitPattern: $0) }
}
