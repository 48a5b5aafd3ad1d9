import COpenSSL
import Wire

/// A certificate's issuers in order, selected from the certificates in its file: each has signed the previous one (RFC
/// 8446 §4.4.2). When the file has several for one position, such as an issuer and its renewal with the same key, a
/// valid one is preferred, regardless of their order.
struct CertificateChain: Sendable {
  /// The certificates sent after the leaf. The root is omitted: clients that trust it have it.
  private(set) var issuers: [Certificate] = []
  /// The self-signed end of the chain, if the file has it.
  private(set) var root: Certificate?
  /// Certificates in the file that a better one in the chain has replaced: same authority and key, but older or from
  /// another issuer. Roots are omitted.
  private(set) var replaced: [Certificate] = []
  /// Certificates in the file that are not part of the chain.
  private(set) var unrelated: [Certificate] = []
  /// Whether the file has the certificate and its issuers in another order.
  let isReordered: Bool
  /// The last certificate of the chain; the leaf when it has no issuer here.
  let top: Certificate

  /// `leaf` is the certificate's index in `file`; issuers should be valid at `time`.
  init(of leaf: Int, in file: [Certificate], at time: WallTime) {
    var order = [leaf]
    var top = file[leaf]
    var remaining = file.indices.filter { $0 != leaf && !file[$0].isEqual(to: file[leaf]) }
    while !top.isSelfSigned {
      var next: Int?
      for candidate in remaining where file[candidate].hasIssued(top) {
        guard let best = next, !file[candidate].isBetterIssuer(than: file[best], at: time) else {
          next = candidate
          continue
        }
      }
      guard let next else { break }
      top = file[next]
      order.append(next)
      remaining.removeAll { file[$0].isEqual(to: top) }
      if top.isSelfSigned { root = top } else { issuers.append(top) }
    }
    self.top = top
    let chain = order.map { file[$0] }
    for other in remaining.map({ file[$0] }) {
      if !chain.contains(where: { $0.isSameAuthority(as: other) }) {
        unrelated.append(other)
      } else if !other.isSelfSigned {
        replaced.append(other)
      }
    }
    isReordered = order != order.sorted()
  }

  /// The certificate's issuer, if the file has it.
  var issuer: Certificate? { issuers.first ?? root }

  /// Whether the chain ends in a root.
  var isComplete: Bool { top.isSelfSigned }
}

extension Certificate {
  func isEqual(to other: Certificate) -> Bool {
    // SAFETY: both are valid as long as their owners.
    unsafe X509_cmp(x509, other.x509) == 0
  }

  /// Whether name and key are equal: both have issued the same certificates.
  fileprivate func isSameAuthority(as other: Certificate) -> Bool {
    // SAFETY: both are valid as long as their owners; names and keys are borrowed from them.
    let isSame = unsafe X509_NAME_cmp(X509_get_subject_name(x509), X509_get_subject_name(other.x509)) == 0
    guard isSame, let key = unsafe X509_get0_pubkey(x509), let others = unsafe X509_get0_pubkey(other.x509) else {
      return false
    }
    defer { ERR_clear_error() }
    return unsafe EVP_PKEY_eq(key, others) == 1
  }

  /// Compares two certificates of the same authority: a valid one is better; then one from an older root rather than
  /// the root itself, since more clients trust it; then the one that expires later.
  fileprivate func isBetterIssuer(than other: Certificate, at time: WallTime) -> Bool {
    let (mine, others) = (validity, other.validity)
    let (isValid, isOtherValid) = (mine?.contains(time) == true, others?.contains(time) == true)
    if isValid != isOtherValid { return isValid }
    if isSelfSigned != other.isSelfSigned { return other.isSelfSigned }
    guard let mine else { return false }
    return others.map { mine.upperBound > $0.upperBound } ?? true
  }

  /// The validity period; nil when its dates are invalid.
  var validity: ClosedRange<WallTime>? {
    // SAFETY: valid as long as `self`; the times are read within the calls.
    guard let from = unsafe CertificateFacts.time(of: X509_get0_notBefore(x509)),
      let until = unsafe CertificateFacts.time(of: X509_get0_notAfter(x509)), from <= until
    else { return nil }
    return from...until
  }

  /// Whether it names itself and its own key as its issuer. The signature is not verified: it proves nothing, and a
  /// system may reject an old root's algorithm.
  var isSelfSigned: Bool {
    // SAFETY: valid as long as `self`.
    let result = unsafe X509_self_signed(x509, 0) == 1
    ERR_clear_error()
    return result
  }

  /// Whether the other certificate names this one as its issuer and is signed with this one's key.
  func hasIssued(_ other: Certificate) -> Bool {
    defer { ERR_clear_error() }
    // SAFETY: both are valid as long as their owners; the key is borrowed from this certificate.
    guard unsafe X509_check_issued(x509, other.x509) == X509_V_OK, let key = unsafe X509_get0_pubkey(x509) else {
      return false
    }
    return unsafe X509_verify(other.x509, key) == 1
  }
}
