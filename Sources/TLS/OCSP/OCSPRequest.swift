import COpenSSL
import Wire

/// The OCSP request (RFC 6960) for a certificate, and the check of the response. Sends nothing itself.
@safe public final class OCSPRequest: Sendable {
  private let certificate: Certificate
  private let issuer: Certificate

  /// Nil when the certificate's issuer is not in its file: the response's signature could not be verified.
  public init?(about pair: CertificatePair) {
    guard let issuer = pair.chain.issuer else { return nil }
    certificate = pair.certificate
    self.issuer = issuer
  }

  /// The request in DER. It has no nonce, since responders return responses signed in advance.
  public func question() throws(TLSError) -> [UInt8] {
    // SAFETY: the request is allocated and freed here, and owns the identity; the encoding is allocated by OpenSSL,
    // copied and freed here.
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

  /// Checks the responder's response. Throws unless it states that the certificate is good at `time`.
  public func judge(_ answer: [UInt8], at time: WallTime) throws(StatusRefusal) -> Staple {
    // OpenSSL ignores trailing data; clients reject a response that has any.
    guard DEREnvelope.isOCSPResponse(answer.span) else { throw .malformed }
    defer { ERR_clear_error() }
    // SAFETY: the response's bytes are valid for the call; the parsed response and its parts are freed here.
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

  /// The lifetime in seconds of a response without nextUpdate: an hour.
  private static let endlessLifetime: Int64 = 3600
  /// Tolerates clock differences: a response may start this far in the future.
  private static let clockTolerance = Interval.minutes(5)

  /// Requires a signature of the issuer or of a delegated responder (RFC 6960 §4.2.2.2).
  private func requireSignature(of basic: OpaquePointer) throws(StatusRefusal) {
    // SAFETY: store and list are allocated and freed here; both hold their own references, or borrow for the call.
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

  /// The end of the response's validity for this certificate. The response may have several entries for it: all must be
  /// good.
  private func requireGood(_ basic: OpaquePointer, at time: WallTime) throws(StatusRefusal) -> WallTime {
    // SAFETY: the identity is allocated and freed here; entries are borrowed from the response, which outlives this
    // call.
    guard let identity = unsafe makeIdentity() else { throw .malformed }
    defer { unsafe OCSP_CERTID_free(identity) }
    var ends: [WallTime] = []
    var refusals: [StatusRefusal] = []
    var index = unsafe OCSP_resp_find(basic, identity, -1)
    while index >= 0 {
      do throws(StatusRefusal) {
        ends.append(try unsafe Self.requireGood(OCSP_resp_get0(basic, index), at: time))
      } catch { refusals.append(error) }
      index = unsafe OCSP_resp_find(basic, identity, index)
    }
    // Revocation takes precedence over other results.
    if refusals.contains(.revoked) { throw .revoked }
    if let first = refusals.first { throw first }
    guard let end = ends.min() else { throw .ofAnother }
    return end
  }

  /// The end of a single response's validity (RFC 6960 §4.2.1).
  private static func requireGood(_ single: OpaquePointer?, at time: WallTime) throws(StatusRefusal) -> WallTime {
    var begin: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    var end: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    // SAFETY: the times are borrowed from the response, which the caller owns for this call.
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

  /// The certificate's OCSP ID with SHA-1, which every responder supports (RFC 5019 §2.1.1). The caller owns the
  /// `OCSP_CERTID`.
  private func makeIdentity() -> OpaquePointer? {
    // SAFETY: both certificates are valid as long as `self`.
    unsafe OCSP_cert_to_id(EVP_sha1(), certificate.x509, issuer.x509)
  }
}

/// Why an OCSP response is not stapled.
public enum StatusRefusal: Error, Equatable, Sendable, CustomStringConvertible {
  /// It is not an OCSP response.
  case malformed
  /// The responder returned an error status.
  case unwilling(String)
  /// It is signed neither by the issuer nor by its delegate; OpenSSL's reason.
  case unsigned(String)
  /// It is about other certificates only.
  case ofAnother
  case revoked
  /// The authority does not know the certificate.
  case unknownCertificate
  /// It is valid only in the future.
  case early
  /// It has expired.
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
