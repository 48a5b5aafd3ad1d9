import COpenSSL
import Glibc

/// What makes a server's certificate pass.
public enum Trust: Equatable, Sendable {
  /// A chain to an authority of the system's store, and the server's name.
  case system
  /// A chain to a certificate in this PEM file, and the server's name. The certificate may be any one of the chain, the
  /// server's own included.
  case authoritiesFile(path: String)
  /// The same, from PEM text; `origin` is what messages call it.
  case authorities(pem: [UInt8], origin: String)
  /// The server's own certificate is one of these, whoever issued it, whatever its name, and expired or not.
  case fingerprints([Fingerprint])
  /// Anything. Whoever sits on the path can read everything.
  case none

  /// True when the chain and the name are checked.
  var checksChain: Bool {
    switch self {
    case .system, .authoritiesFile, .authorities: true
    case .fingerprints, .none: false
    }
  }

  /// Files that the system's authorities are looked for in: that of the variable that every OpenSSL program honours, or
  /// where distributions keep all in one: Debian, then what OpenSSL itself calls the default (Enterprise Linux).
  public static var systemStores: [String] {
    // SAFETY: the variable's text is copied at once; the default is a static string.
    let chosen = unsafe getenv(X509_get_default_cert_file_env()).map { unsafe String(cString: $0) }
    if let chosen { return [chosen] }
    return ["/etc/ssl/certs/ca-certificates.crt", unsafe String(cString: X509_get_default_cert_file())]
  }
}
