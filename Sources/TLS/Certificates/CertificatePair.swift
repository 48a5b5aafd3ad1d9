import Linux
import Wire

/// A certificate with its chain and its matching private key. Immutable; shared by all contexts made from it.
public final class CertificatePair: Sendable {
  /// The key's algorithm; certificates are selected by it.
  public enum KeyType: String, Sendable {
    case rsa = "RSA"
    case ecdsa = "ECDSA"
    case ed25519 = "Ed25519"
  }

  /// The file's path, or a name for the text.
  public let origin: String
  /// The certificate's fields; compare `notAfter` with the clock to warn before it expires.
  public let facts: CertificateFacts
  public let keyType: KeyType
  /// The OCSP staple for clients.
  public let staples = StaplePlace()

  let certificate: Certificate
  let chain: CertificateChain
  let key: PrivateKey

  /// Loads the certificate, its chain and its key from a PEM file; with `keyPath` the key comes from that file. The
  /// certificate is the first that matches the key and is valid at `time`, else the first that matches; its issuers
  /// among the others are put in order.
  public convenience init(path: String, keyPath: String? = nil, at time: WallTime = Clock.wall()) throws(TLSError) {
    let file = try PEMFile(path: path)
    if let keyPath {
      try self.init(certificates: file, key: PEMFile(path: keyPath), at: time)
    } else {
      try self.init(certificates: file, key: file, at: time)
    }
  }

  /// Loads them from PEM text in memory. `origin` is its name in messages.
  public convenience init(
    pem: [UInt8], key: [UInt8]? = nil, origin: String, at time: WallTime = Clock.wall()
  ) throws(TLSError) {
    let text = PEMFile(origin: origin, copying: pem)
    if let key {
      try self.init(certificates: text, key: PEMFile(origin: origin, copying: key), at: time)
    } else {
      try self.init(certificates: text, key: text, at: time)
    }
  }

  private convenience init(
    certificates: borrowing PEMFile, key: borrowing PEMFile, at time: WallTime
  ) throws(TLSError) {
    let found = try certificates.certificates()
    guard !found.isEmpty else { throw .noCertificate(origin: certificates.origin) }
    try self.init(found, key: key.privateKey(), origin: certificates.origin, keyOrigin: key.origin, at: time)
  }

  /// `certificates` must not be empty.
  init(
    _ certificates: [Certificate], key: PrivateKey, origin: String, keyOrigin: String, at time: WallTime = Clock.wall()
  ) throws(TLSError) {
    let matches = certificates.indices.filter { certificates[$0].belongs(to: key) }
    guard let match = matches.first(where: { certificates[$0].validity?.contains(time) == true }) ?? matches.first
    else {
      let first = CertificateFacts(reading: certificates[0])
      throw .keyMismatch(
        origin: origin, keyOrigin: keyOrigin, subject: first?.description ?? "an unreadable certificate")
    }
    guard let facts = CertificateFacts(reading: certificates[match]) else {
      throw .refused(origin: origin, reason: "the certificate's validity period cannot be read")
    }
    guard let keyType = key.type else {
      throw .refused(origin: keyOrigin, reason: "the key is neither RSA nor ECDSA nor Ed25519")
    }
    self.origin = origin
    self.facts = facts
    self.keyType = keyType
    self.key = key
    certificate = certificates[match]
    chain = CertificateChain(of: match, in: certificates, at: time)
  }
}
