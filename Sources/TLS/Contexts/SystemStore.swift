import COpenSSL
import Domain
import Glibc

extension Trust {
  /// Whether the chain and the name are checked.
  var checksChain: Bool {
    switch self {
    case .system, .authority: true
    case .fingerprints, .insecureNoVerification: false
    }
  }

  /// Candidate files for the system's authorities: that of OpenSSL's environment variable, or else the distributions'
  /// bundles: Debian's, then OpenSSL's default (Enterprise Linux).
  public static var systemStores: [String] {
    // SAFETY: the variable's value is copied at once; the default is a static string.
    let chosen = unsafe getenv(X509_get_default_cert_file_env()).map { unsafe String(cString: $0) }
    if let chosen { return [chosen] }
    return ["/etc/ssl/certs/ca-certificates.crt", unsafe String(cString: X509_get_default_cert_file())]
  }
}
