import COpenSSL
import Domain
import Wire

/// A certificate revocation list (RFC 5280 §5), as text and times. The names are escaped, as in `CertificateFacts`.
public struct RevocationList: Equatable, Sendable {
  /// The distinguished name of the authority whose certificates it is about.
  public let issuer: String
  public let thisUpdate: WallTime
  /// After it the list is not used any more, and clients of the authority are refused. Nil if it has none.
  public let nextUpdate: WallTime?
  public let fingerprint: Fingerprint

  /// Reads an `X509_CRL`. Nil when a time in it is invalid.
  fileprivate init?(reading list: OpaquePointer) {
    var digest = [UInt8](repeating: 0, count: Digest.sha256Size)
    // SAFETY: the caller's `list` is valid; results of the getters are read within the call; `digest` has room.
    guard let from = unsafe CertificateFacts.time(of: X509_CRL_get0_lastUpdate(list)),
      unsafe X509_CRL_digest(list, EVP_sha256(), &digest, nil) == 1, let fingerprint = Fingerprint(bytes: digest)
    else { return nil }
    thisUpdate = from
    nextUpdate = unsafe X509_CRL_get0_nextUpdate(list).flatMap { unsafe CertificateFacts.time(of: $0) }
    issuer = unsafe CertificateFacts.text(of: X509_CRL_get_issuer(list))
    self.fingerprint = fingerprint
  }
}

extension PEMFile {
  /// All revocation lists in file order, each of which `take` has accepted as an `X509_CRL`; may be empty.
  func revocationLists(_ take: (OpaquePointer) -> Bool) throws(TLSError) -> [RevocationList] {
    let source = unsafe try reader()
    // SAFETY: the BIO is owned here and reads bytes that outlive it; each list is freed here after its use.
    defer { _ = unsafe BIO_free(source) }
    var found: [RevocationList] = []
    while let list = unsafe PEM_read_bio_X509_CRL(source, nil, nil, nil) {
      defer { unsafe X509_CRL_free(list) }
      guard let facts = unsafe RevocationList(reading: list), unsafe take(list) else {
        throw .refused(origin: origin, reason: takeQueuedReason())
      }
      found.append(facts)
    }
    try requireEnd()
    return found
  }
}
