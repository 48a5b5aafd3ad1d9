import COpenSSL
import Wire

/// Asks a certificate's authority whether the certificate is still good (OCSP, RFC 6960), and judges what it answers. It
/// sends nothing itself.
@safe public final class OCSPRequest: Sendable {
  private let certificate: Certificate
  private let issuer: Certificate

  /// Nil when whoever issued the certificate is not in its file: nobody could say whose signature the answer needs.
  public init?(about pair: CertificatePair) {
    guard let issuer = pair.chain.issuer else { return nil }
    certificate = pair.certificate
    self.issuer = issuer
  }

  /// The question in DER. It has no nonce: responders answer with what they have signed before.
  public func question() throws(TLSError) -> [UInt8] {
    // SAFETY: the request is made and freed here, and takes the identity over; the encoding is OpenSSL's, copied and
    // freed here.
    guard let request = unsafe OCSP_REQUEST_new() else {
      throw .openssl(doing: "asking OCSP", reason: takeQueuedReason())
    }
    defer { unsafe OCSP_REQUEST_free(request) }
    guard let identity = unsafe makeIdentity(), unsafe OCSP_request_add0_id(request, identity) != nil else {
      throw .openssl(doing: "asking OCSP", reason: takeQueuedReason())
    }
    var encoding: UnsafeMutablePointer<UInt8>?
    let count = unsafe i2d_OCSP_REQUEST(request, &encoding)
    guard count > 0, let bytes = unsafe encoding else {
      throw .openssl(doing: "asking OCSP", reason: takeQueuedReason())
    }
    defer { unsafe belvedere_free(bytes) }
    return unsafe Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
  }

  /// Reads the responder's answer. Throws unless the authority says in it that the certificate is good at `time`.
  public func judge(_ answer: [UInt8], at time: WallTime) throws(StatusRefusal) -> Staple {
    // OpenSSL reads what it understands and leaves the rest; clients refuse an answer with anything behind it.
    guard DEREnvelope.isOCSPResponse(answer.span) else { throw .malformed }
    defer { ERR_clear_error() }
    // SAFETY: the answer lives through the call; the response and what is found in it are freed here.
    let decoded = unsafe answer.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      return unsafe d2i_OCSP_RESPONSE(nil, &start, bytes.count)
    }
    guard let response = unsafe decoded else { throw .malformed }
    defer { unsafe OCSP_RESPONSE_free(response) }
    let status = unsafe OCSP_response_status(response)
    guard status == OCSP_RESPONSE_STATUS_SUCCESSFUL else {
      throw .unwilling(unsafe String(cString: OCSP_response_status_str(Int(status))))
    }
    guard let basic = unsafe OCSP_response_get1_basic(response) else { throw .malformed }
    defer { unsafe OCSP_BASICRESP_free(basic) }
    try unsafe requireSignature(of: basic)
    return Staple(answer: answer, until: try unsafe requireGood(basic, at: time))
  }

  /// An answer without an end is taken for good for so many seconds: an hour.
  private static let endlessLifetime: Int64 = 3600
  /// Clocks differ: an answer may begin so far ahead of ours.
  private static let clockTolerance = Interval.minutes(5)

  /// The issuer has signed the answer, or has given somebody the right to (RFC 6960 §4.2.2.2).
  private func requireSignature(of basic: OpaquePointer) throws(StatusRefusal) {
    // SAFETY: store and list are made and freed here; both hold references of their own, or borrow for the call.
    let store = unsafe X509_STORE_new()
    defer { unsafe X509_STORE_free(store) }
    let issuers = unsafe belvedere_certificates_new()
    defer { unsafe belvedere_certificates_free(issuers) }
    guard unsafe X509_STORE_add_cert(store, issuer.x509) == 1,
      unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN)) == 1,
      unsafe belvedere_certificates_push(issuers, issuer.x509) > 0,
      unsafe OCSP_basic_verify(basic, issuers, store, 0) == 1
    else { throw .unsigned(takeQueuedReason()) }
  }

  /// The end of what the answer says of this certificate. It may say several things, of several times: all of them must
  /// be good.
  private func requireGood(_ basic: OpaquePointer, at time: WallTime) throws(StatusRefusal) -> WallTime {
    // SAFETY: the identity is made and freed here; what is found is borrowed from the answer, which outlives this call.
    guard let identity = unsafe makeIdentity() else { throw .malformed }
    defer { unsafe OCSP_CERTID_free(identity) }
    var ends: [WallTime] = []
    var refusals: [StatusRefusal] = []
    var place = unsafe OCSP_resp_find(basic, identity, -1)
    while place >= 0 {
      do throws(StatusRefusal) {
        ends.append(try unsafe Self.requireGood(OCSP_resp_get0(basic, place), at: time))
      } catch { refusals.append(error) }
      place = unsafe OCSP_resp_find(basic, identity, place)
    }
    // Whatever else is said, a certificate that was revoked stays so.
    if refusals.contains(.revoked) { throw .revoked }
    if let first = refusals.first { throw first }
    guard let end = ends.min() else { throw .ofAnother }
    return end
  }

  /// The end of a single response (RFC 6960 §4.2.1).
  private static func requireGood(_ single: OpaquePointer?, at time: WallTime) throws(StatusRefusal) -> WallTime {
    var begin: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    var end: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    // SAFETY: the times are borrowed from the response, which is the caller's for this call.
    switch unsafe OCSP_single_get0_status(single, nil, nil, &begin, &end) {
    case V_OCSP_CERTSTATUS_GOOD: break
    case V_OCSP_CERTSTATUS_REVOKED: throw .revoked
    case V_OCSP_CERTSTATUS_UNKNOWN: throw .unknownCertificate
    default: throw .malformed
    }
    guard let from = unsafe CertificateFacts.time(of: begin) else { throw .malformed }
    guard from <= time + clockTolerance else { throw .early }
    guard unsafe end != nil else { return WallTime(seconds: time.seconds + endlessLifetime) }
    guard let until = unsafe CertificateFacts.time(of: end), until >= from else { throw .malformed }
    guard until > time else { throw .stale }
    return until
  }

  /// What the authority knows the certificate by, with SHA-1, which every responder knows (RFC 5019 §2.1.1). An
  /// `OCSP_CERTID` of the caller's.
  private func makeIdentity() -> OpaquePointer? {
    // SAFETY: both certificates are live as long as `self`.
    unsafe OCSP_cert_to_id(EVP_sha1(), certificate.x509, issuer.x509)
  }
}

/// Why an answer by OCSP is not stapled.
public enum StatusRefusal: Error, Equatable, Sendable, CustomStringConvertible {
  /// It is no OCSP response.
  case malformed
  /// The responder gives no answer, for the reason that it names.
  case unwilling(String)
  /// The certificate's issuer has not signed it, nor somebody in its name; OpenSSL's words.
  case unsigned(String)
  /// It is about other certificates.
  case ofAnother
  case revoked
  /// The authority does not know the certificate.
  case unknownCertificate
  /// It begins in the future.
  case early
  /// Its time is over.
  case stale

  public var description: String {
    switch self {
    case .malformed: "the answer is no OCSP response"
    case .unwilling(let reason): "the responder answers '\(reason)'"
    case .unsigned(let reason): "the answer is not signed by the certificate's issuer (\(reason))"
    case .ofAnother: "the answer is about another certificate"
    case .revoked: "the certificate is revoked"
    case .unknownCertificate: "the authority does not know the certificate"
    case .early: "the answer begins in the future; is this machine's clock right?"
    case .stale: "the answer is out of date; is this machine's clock right?"
    }
  }
}
