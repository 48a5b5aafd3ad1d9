import Domain

/// A peer's certificate that did not pass: which one, why, and what would pin it.
public struct CertificateRefusal: Equatable, Sendable, CustomStringConvertible {
  /// Why, in OpenSSL's words for `X509_V_ERR_…`, or ours where a fingerprint was expected.
  public let reason: String
  /// The certificate that the reason is about.
  public let certificate: CertificateFacts?
  /// Its place in the chain: 0 is the peer's own, above it are its issuers.
  public let depth: Int
  /// The peer's own certificate.
  public let leaf: CertificateFacts?
  /// The host name or address that was asked for, where the certificate is for another; empty where that is not the
  /// reason.
  public let expectedName: String

  /// Configured as the server's fingerprint, this makes the peer's certificate pass, whatever else is wrong with it.
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

  /// A certificate may carry hundreds of names; a log line shows this many.
  private static let namesShown = 4
}
