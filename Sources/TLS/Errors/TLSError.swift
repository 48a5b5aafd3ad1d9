import Domain
import Linux

/// Why a certificate, a trust policy or a context could not be created. The operator can correct all except `.openssl`;
/// every description names the object and the remedy.
public enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file could not be read, because of `errno`.
  case unreadable(path: String, errno: Int32)
  /// It contains no certificate.
  case noCertificate(origin: String)
  /// It contains no private key.
  case noKey(origin: String)
  /// It contains no certificate revocation list.
  case noRevocationList(origin: String)
  /// A certificate in a file of authorities is not that of an authority.
  case noAuthority(origin: String, subject: String)
  /// A file of authorities has more than a service may trust.
  case tooManyAuthorities(origin: String, count: Int, most: Int)
  /// The private key is encrypted, and there is no way to ask for the passphrase.
  case encryptedKey(origin: String)
  /// No certificate matches the private key. `subject` is the first certificate's.
  case keyMismatch(origin: String, keyOrigin: String, subject: String)
  /// OpenSSL rejects it, with OpenSSL's reason: damaged, or too weak for the system's policy.
  case refused(origin: String, reason: String)
  /// The policy's lists leave no handshake of a version that it accepts to a certificate with this type of key.
  case noHandshake(origin: String, key: String, version: TLSVersion, lists: [String])
  /// A server context needs at least one certificate.
  case noCertificatesGiven
  /// `trust: system` found no certificate store in these places.
  case noSystemStore(looked: [String])
  /// A fingerprint trust without fingerprints.
  case noFingerprint
  /// A server name that is empty, too long or has invalid characters.
  case badServerName(String)
  /// OpenSSL failed for a reason that the operator can't correct.
  case openssl(doing: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let path, let errno):
      "\(path) can't be read: \(SystemError.words(for: errno))"
    case .noCertificate(let origin):
      "\(origin) holds no certificate; expected a PEM block that begins with -----BEGIN CERTIFICATE-----"
    case .noKey(let origin):
      "\(origin) holds no private key; expected a PEM block that begins with -----BEGIN PRIVATE KEY-----"
    case .noRevocationList(let origin):
      "\(origin) holds no revocation list; expected a PEM block that begins with -----BEGIN X509 CRL----- "
        + "(openssl crl -inform der -in ca.crl -out \(origin))"
    case .noAuthority(let origin, let subject):
      "\(origin) holds the certificate of \(subject), which is no authority (basicConstraints)"
    case .tooManyAuthorities(let origin, let count, let most):
      "\(origin) holds \(count) authorities, and clients of each would be accepted; at most \(most) are supported"
    case .encryptedKey(let origin):
      "the private key in \(origin) is encrypted: store it without a passphrase "
        + "(openssl pkey -in \(origin) -out new.pem) and protect it with the file's mode"
    case .keyMismatch(let origin, let keyOrigin, let subject):
      origin == keyOrigin
        ? "the private key in \(origin) belongs to none of its certificates; the first one is for \(subject)"
        : "the private key in \(keyOrigin) belongs to none of the certificates in \(origin); "
          + "the first one is for \(subject)"
    case .refused(let origin, let reason):
      "OpenSSL refuses \(origin): \(reason)"
    case .noHandshake(let origin, let key, let version, let lists):
      "\(origin) has a key of type \(key), with which no handshake of \(version) is possible: change "
        + lists.map { "`\($0)`" }.joined(separator: " or ")
        + (version < .tls13 ? ", or accept only later versions (`minimum-version`)" : "")
    case .noCertificatesGiven:
      "no certificate is given"
    case .noSystemStore(let looked):
      "the system's certificate store was not found; looked at \(looked.joined(separator: ", ")). "
        + "Install ca-certificates or name a CA file"
    case .noFingerprint:
      "no fingerprint is given"
    case .badServerName(let text):
      "'\(text)' is neither a host name nor an address"
    case .openssl(let doing, let reason):
      "OpenSSL failed while \(doing): \(reason)"
    }
  }
}
