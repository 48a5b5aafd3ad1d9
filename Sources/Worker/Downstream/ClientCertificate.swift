import Configuration
import HTTP1
import TLS

/// What the certificate that a client has presented means for its requests (`tls.client-certificates`).
struct ClientCertificate {
  /// The lines about it for servers; empty if they are not told.
  var fields: [UInt8] = []
  /// Whose it is, for the access log; empty if there is none.
  var subject: [UInt8] = []
  /// The settings have changed since the handshake, and with this certificate, or without one, the client would not be
  /// accepted any more, for this reason. Its connection serves no further request.
  var refusal: TLSFailure?
}

extension Client {
  /// A reload has changed the service's snapshot, which had this verification before: what the handshake has verified may have been revoked.
  @inline(never)
  mutating func verifyCertificate(after earlier: ClientVerification?) {
    let former = certificate.refusal
    certificate = ClientCertificate()
    guard let verification = snapshot.front?.verification else { return }
    if let earlier, earlier.isEquivalent(to: verification) {
      certificate.refusal = former
    } else {
      certificate.refusal = side.stream.findRefusal(by: verification)
    }
    if certificate.refusal == nil { noteCertificate() }
  }

  /// The handshake has verified the certificate, or there is none.
  @inline(never)
  mutating func noteCertificate() {
    guard let settings = snapshot.settings.tls.clientCertificates else { return }
    guard let facts = side.stream.peerCertificate else {
      if settings.sendsFields { certificate.fields = CertificateFields.linesWithoutCertificate }
      return
    }
    certificate.subject = Array(facts.clientName.utf8)
    guard settings.sendsFields else { return }
    let lines = CertificateFields.lines(
      subject: facts.subject, issuer: facts.issuer, serialNumber: facts.serialNumber,
      fingerprint: "\(facts.fingerprint)")
    // Texts of certificates are printable, so there are lines.
    if let lines { certificate.fields = lines } else { certificate = ClientCertificate(refusal: .unprintable) }
  }
}

extension CertificateFacts {
  /// Whose it is, in one text without control characters that is as long as a verified subject may be: other names in
  /// it may be longer.
  var clientName: String { subject.isEmpty ? "\(fingerprint)" : subject }
}
