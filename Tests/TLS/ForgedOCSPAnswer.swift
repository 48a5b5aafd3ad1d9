import COpenSSL

@testable import TLS

/// Answers of OCSP responders with arbitrary content and a valid signature.
enum ForgedOCSPAnswer {
  /// The SingleResponse for a certificate. Times are GeneralizedTime: `99991231235959Z`.
  struct Single {
    let subject: CertificateFactory.IssuedCertificate
    let status: Int32
    let begin: String
    let end: String?

    init(
      _ subject: CertificateFactory.IssuedCertificate, status: Int32 = V_OCSP_CERTSTATUS_GOOD,
      begin: String = "20260101000000Z",
      end: String? = "99991231235959Z"
    ) {
      self.subject = subject
      self.status = status
      self.begin = begin
      self.end = end
    }
  }

  static func answer(
    _ singles: [Single], issuer: CertificateFactory.IssuedCertificate, signer: CertificateFactory.IssuedCertificate,
    nonce: [UInt8]? = nil
  ) -> [UInt8] {
    guard let basic = unsafe OCSP_BASICRESP_new() else { preconditionFailure("no answer") }
    defer { unsafe OCSP_BASICRESP_free(basic) }
    for single in singles {
      let identity = unsafe OCSP_cert_to_id(EVP_sha1(), single.subject.certificate.x509, issuer.certificate.x509)
      defer { unsafe OCSP_CERTID_free(identity) }
      let (begin, end) = unsafe (time(single.begin), single.end.map { unsafe time($0) } ?? nil)
      let revoked = unsafe single.status == V_OCSP_CERTSTATUS_REVOKED ? begin : nil
      unsafe OCSP_basic_add1_status(basic, identity, single.status, 0, revoked, begin, end)
      unsafe ASN1_STRING_free(begin)
      unsafe ASN1_STRING_free(end)
    }
    if var nonce { unsafe OCSP_basic_add1_nonce(basic, &nonce, Int32(nonce.count)) }
    guard unsafe OCSP_basic_sign(basic, signer.certificate.x509, signer.key.key, EVP_sha256(), nil, 0) == 1,
      let response = unsafe OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic)
    else { preconditionFailure("no answer: \(takeQueuedReason())") }
    defer { unsafe OCSP_RESPONSE_free(response) }
    var encoding: UnsafeMutablePointer<UInt8>?
    let count = unsafe i2d_OCSP_RESPONSE(response, &encoding)
    defer { unsafe belvedere_free(encoding) }
    return unsafe Array(UnsafeBufferPointer(start: encoding, count: Int(count)))
  }

  /// The BasicOCSPResponse inside an answer, and the answer around one.
  static func unpacked(_ answer: [UInt8]) -> [UInt8] {
    let packed = content(of: content(of: answer).dropFirst(3))
    return Array(content(of: content(of: packed).dropFirst(typeOfBasic.count)))
  }

  static func packing(_ response: [UInt8]) -> [UInt8] {
    element(0x30, [0x0a, 1, 0] + element(0xa0, element(0x30, typeOfBasic + element(0x04, response))))
  }

  /// id-pkix-ocsp-basic.
  private static let typeOfBasic: [UInt8] = [0x06, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1]

  private static func element(_ identifier: UInt8, _ content: [UInt8]) -> [UInt8] {
    let count = content.count
    switch count {
    case ..<0x80: return [identifier, UInt8(count)] + content
    case ..<0x100: return [identifier, 0x81, UInt8(count)] + content
    default: return [identifier, 0x82, UInt8(count >> 8), UInt8(count & 0xff)] + content
    }
  }

  private static func content(of element: some Collection<UInt8>) -> [UInt8] {
    let bytes = Array(element)
    return Array(bytes[(bytes[1] < 0x80 ? 2 : 2 + Int(bytes[1] & 0x7f))...])
  }

  private static func time(_ text: String) -> UnsafeMutablePointer<ASN1_GENERALIZEDTIME>? {
    let time = unsafe ASN1_GENERALIZEDTIME_new()
    guard unsafe ASN1_GENERALIZEDTIME_set_string(time, text) == 1 else { preconditionFailure("no time \(text)") }
    return unsafe time
  }
}
