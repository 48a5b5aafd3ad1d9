import Domain

/// Why a peer's certificate was rejected, and the fingerprint that would pin it.
public struct CertificateRefusal: Equatable, Sendable, CustomStringConvertible {
  /// OpenSSL's text for the `X509_V_ERR_…` code, or a text of this program when a fingerprint was expected.
  public let reason: String
  /// The rejected certificate.
  public let certificate: CertificateFacts?
  /// Its position in the chain: 0 is the peer's own, then its issuers.
  public let depth: Int
  /// The peer's own certificate.
  public let leaf: CertificateFacts?
  /// The expected host name or address, when the certificate is for another; otherwise empty.
  public let expectedName: String

  /// Configured as the server's fingerprint, it makes the peer's certificate pass, whatever its other faults.
  public var pin: Fingerprint? { leaf?.fingerprint }

  public var description: String {
    var text = "the certificate "
    if let certificate {
      text += "'\(certificate)'"
      if depth > 0 { text += " (issuer at depth \(depth))" }
      text += ", issued by '\(certificate.issuer)', "
    }
    text += "does not pass: \(reason)"
    if let leaf, !expectedName.isEmpty, !leaf.hasAlternativeNames {
      text += "; it has no subjectAltName, and a common name does not count (RFC 9525): have it issued with"
      text += " subjectAltName '\(expectedName)', or pin it by its fingerprint (`trust: { fingerprint: … }`)"
    } else if let leaf, !expectedName.isEmpty {
      let identities = leaf.names + leaf.addresses
      text += "; '\(expectedName)' was asked for, it is for "
      text += identities.isEmpty ? "no name" : identities.prefix(Self.namesShown).joined(separator: ", ")
      if identities.count > Self.namesShown { text += " and \(identities.count - Self.namesShown) more" }
    }
    if let pin { text += "; its SHA-256 fingerprint is \(pin)" }
    return text
  }

  /// A certificate may have hundreds of names; a log line lists this many.
  private static let namesShown = 4
}
