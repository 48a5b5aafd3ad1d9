import Linux
import Wire

/// A certificate with its chain and its private key, loaded and known to belong together. Immutable; shared by every
/// context made of it.
public final class CertificatePair: Sendable {
  /// The key's algorithm, by which a certificate is chosen for a client.
  public enum KeyType: String, Sendable {
    case rsa = "RSA"
    case ecdsa = "ECDSA"
    case ed25519 = "Ed25519"
  }

  /// The file's path, or what the text was called.
  public let origin: String
  /// What the certificate says; compare `notAfter` with the clock to warn before it ends.
  public let facts: CertificateFacts
  public let keyType: KeyType
  /// What clients are handed of its authority.
  public let staples = StaplePlace()

  let certificate: Certificate
  let chain: CertificateChain
  let key: PrivateKey

  /// Loads the certificate, its chain and, unless `keyPath` names another file, its key from a PEM file. The
  /// certificate is the first that fits the key and is valid at `time`, or the first that fits; its issuers
  /// among the others are put in order.
  public convenience init(path: String, keyPath: String? = nil, at time: WallTime = Clock.wall()) throws(TLSError) {
    let file = try PEMFile(path: path)
    if let keyPath {
      try self.init(certificates: file, key: PEMFile(path: keyPath), at: time)
    } else {
      try self.init(certificates: file, key: file, at: time)
    }
  }

  /// Loads the same from PEM text in memory. `origin` is what messages call it.
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

  /// `certificates` is not empty.
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
