import COpenSSL
import Wire

/// A certificate's issuers in order, picked from what stands in its file: each has signed the one before it
/// (RFC 8446 §4.4.2). Where the file has several for one place, an issuer and its renewed certificate for the same key,
/// the one that is valid is taken, whatever their order.
struct CertificateChain: Sendable {
  /// What is sent behind the certificate. A root is not among them: clients that trust it have it.
  private(set) var issuers: [Certificate] = []
  /// The self-signed end of the chain, where the file has it.
  private(set) var root: Certificate?
  /// Certificates of the file that another one of the chain has been preferred to: the same authority and key, older or
  /// by another issuer. A root is not among them.
  private(set) var replaced: [Certificate] = []
  /// Certificates of the file that are no part of the chain.
  private(set) var strangers: [Certificate] = []
  /// The file has the certificate and its issuers in another order.
  let isReordered: Bool
  /// The last certificate of the chain, the certificate itself where nothing stands above it.
  let top: Certificate

  /// `leaf` is the certificate at this place of `file`; `time` is when issuers should be valid.
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
        strangers.append(other)
      } else if !other.isSelfSigned {
        replaced.append(other)
      }
    }
    isReordered = order != order.sorted()
  }

  /// Whoever issued the certificate, where the file has it.
  var issuer: Certificate? { issuers.first ?? root }

  /// The chain goes up to its end.
  var isComplete: Bool { top.isSelfSigned }
}

extension Certificate {
  func isEqual(to other: Certificate) -> Bool {
    // SAFETY: both are live as long as their owners.
    unsafe X509_cmp(x509, other.x509) == 0
  }

  /// The same name and key: what either has issued, the other has too.
  fileprivate func isSameAuthority(as other: Certificate) -> Bool {
    // SAFETY: both are live as long as their owners; names and keys are borrowed from them.
    let isSame = unsafe X509_NAME_cmp(X509_get_subject_name(x509), X509_get_subject_name(other.x509)) == 0
    guard isSame, let key = unsafe X509_get0_pubkey(x509), let others = unsafe X509_get0_pubkey(other.x509) else {
      return false
    }
    defer { ERR_clear_error() }
    return unsafe EVP_PKEY_eq(key, others) == 1
  }

  /// Of two that have issued the same: a valid one is better than one that is not, and among equals a certificate by
  /// an older root than the root itself, since it serves more clients, then the one that ends later.
  fileprivate func isBetterIssuer(than other: Certificate, at time: WallTime) -> Bool {
    let (mine, others) = (validity, other.validity)
    let (isValid, isOtherValid) = (mine?.contains(time) == true, others?.contains(time) == true)
    if isValid != isOtherValid { return isValid }
    if isSelfSigned != other.isSelfSigned { return other.isSelfSigned }
    guard let mine else { return false }
    return others.map { mine.upperBound > $0.upperBound } ?? true
  }

  /// From when to when it is valid; nil when that makes no sense.
  var validity: ClosedRange<WallTime>? {
    // SAFETY: live as long as `self`; the times are read within the calls.
    guard let from = unsafe CertificateFacts.time(of: X509_get0_notBefore(x509)),
      let until = unsafe CertificateFacts.time(of: X509_get0_notAfter(x509)), from <= until
    else { return nil }
    return from...until
  }

  /// True when it names itself and its own key as its issuer. The signature is not looked at: it proves nothing, and a
  /// system may refuse to check an old root's.
  var isSelfSigned: Bool {
    // SAFETY: live as long as `self`.
    let result = unsafe X509_self_signed(x509, 0) == 1
    ERR_clear_error()
    return result
  }

  /// True when the other one names this as its issuer and this one's key has signed it.
  func hasIssued(_ other: Certificate) -> Bool {
    defer { ERR_clear_error() }
    // SAFETY: both are live as long as their owners; the key is borrowed from this certificate.
    guard unsafe X509_check_issued(x509, other.x509) == X509_V_OK, let key = unsafe X509_get0_pubkey(x509) else {
      return false
    }
    return unsafe X509_verify(other.x509, key) == 1
  }
}
