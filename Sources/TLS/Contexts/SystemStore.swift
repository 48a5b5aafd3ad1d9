import COpenSSL
import Domain
import Glibc

extension Trust {
  /// True when the chain and the name are checked.
  var checksChain: Bool {
    switch self {
    case .system, .authority: true
    case .fingerprints, .insecureNoVerification: false
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
