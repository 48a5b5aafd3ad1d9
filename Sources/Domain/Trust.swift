/// How a server's certificate is verified.
public enum Trust: Hashable, Sendable {
  /// A chain to one of the system's certificate authorities, and the server's name in the certificate.
  case system
  /// A chain to a certificate in this PEM file, and the server's name. The certificate may be any one of the chain,
  /// including the server's own.
  case authority(file: String)
  /// The server's own certificate is one of these, regardless of issuer, name and expiry.
  case fingerprints([Fingerprint])
  /// Any certificate is accepted: an attacker on the path can read all traffic. Logged at every start.
  case insecureNoVerification
}
