import Configuration
import HTTP1
import TLS

/// What the certificate that a client has presented means for its requests (`tls.client-certificates`).
struct ClientCertificate {
  /// The lines about it for servers; empty if they are not told.
  var fields: [UInt8] = []
  /// The settings have changed since the handshake, and with this certificate, or without one, the client would not be
  /// accepted any more. Its connection serves no further request.
  var isOutdated = false
}

extension Client {
  /// A reload has changed the service's snapshot, which had this verification before: what the handshake has verified may have been revoked.
  @inline(never)
  mutating func verifyCertificate(after earlier: ClientVerification?) {
    let wasOutdated = certificate.isOutdated
    certificate = ClientCertificate()
    guard let verification = snapshot.front?.verification else { return }
    if let earlier, earlier.isEquivalent(to: verification) {
      certificate.isOutdated = wasOutdated
    } else {
      certificate.isOutdated = side.stream.isAccepted(by: verification) != true
    }
    if !certificate.isOutdated { noteCertificate() }
  }

  /// The handshake has verified the certificate, or there is none.
  @inline(never)
  mutating func noteCertificate() {
    guard snapshot.settings.tls.clientCertificates?.sendsFields == true else { return }
    guard let facts = side.stream.peerCertificate else {
      certificate.fields = CertificateFields.linesWithoutCertificate
      return
    }
    let lines = CertificateFields.lines(
      subject: facts.subject, issuer: facts.issuer, serialNumber: facts.serialNumber,
      fingerprint: "\(facts.fingerprint)")
    // Texts of certificates are printable, so there are lines.
    if let lines { certificate.fields = lines } else { certificate.isOutdated = true }
  }
}
