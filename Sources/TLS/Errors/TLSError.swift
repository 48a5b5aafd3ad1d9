import Linux

/// Why a certificate, a trust policy or a context could not be made. All of it is the operator's to mend but
/// `.openssl`; every description names the thing and says what to do.
public enum TLSError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file could not be read; `errno` says why.
  case unreadable(path: String, errno: Int32)
  /// There is no certificate in it.
  case noCertificate(origin: String)
  /// There is no private key in it.
  case noKey(origin: String)
  /// The private key is encrypted. Nobody is there to be asked for its passphrase.
  case encryptedKey(origin: String)
  /// None of the certificates belongs to the private key. `subject` is the first certificate's.
  case keyMismatch(origin: String, keyOrigin: String, subject: String)
  /// OpenSSL refuses it, in OpenSSL's words: damaged, or too weak for the system's policy.
  case refused(origin: String, reason: String)
  /// A server context needs at least one certificate.
  case noCertificatesGiven
  /// `trust: system` found no certificate store; the places it looked at.
  case noSystemStore(looked: [String])
  /// A trust in fingerprints that names none.
  case noFingerprint
  /// A name to verify that is empty, too long or not made of a name's characters.
  case badServerName(String)
  /// OpenSSL failed for no fault of the operator's.
  case openssl(doing: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let path, let errno):
      "\(path) can't be read: \(SystemError.words(for: errno))"
    case .noCertificate(let origin):
      "\(origin) holds no certificate; expected a PEM block that begins with -----BEGIN CERTIFICATE-----"
    case .noKey(let origin):
      "\(origin) holds no private key; expected a PEM block that begins with -----BEGIN PRIVATE KEY-----"
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
