/// What makes a server's certificate acceptable.
public enum Trust: Hashable, Sendable {
  /// A chain to one of the system's certificate authorities, and the server's name in the certificate.
  case system
  /// A chain to a certificate in this PEM file, and the server's name. The certificate may be any one of the chain, the
  /// server's own included.
  case authority(file: String)
  /// The server's own certificate is one of these, whoever issued it, whatever its name, and expired or not.
  case fingerprints([Fingerprint])
  /// Any certificate: whoever sits on the path can read everything. Said in the log at every start.
  case insecureNoVerification
}
