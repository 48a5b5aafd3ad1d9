import COpenSSL

/// A certificate's issuers in order, picked from what stands in its file: each has signed the one before it
/// (RFC 8446 §4.4.2).
struct CertificateChain: Sendable {
  /// What is sent behind the certificate. A root is not among them: clients that trust it have it.
  private(set) var issuers: [Certificate] = []
  /// The self-signed end of the chain, where the file has it.
  private(set) var root: Certificate?
  /// Certificates of the file that are no part of the chain.
  private(set) var strangers: [Certificate] = []
  /// The file has the certificate and its issuers in another order.
  let isReordered: Bool
  /// The last certificate of the chain, the certificate itself where nothing stands above it.
  let top: Certificate

  /// `leaf` is the certificate at this place of `file`.
  init(of leaf: Int, in file: [Certificate]) {
    var order = [leaf]
    var top = file[leaf]
    var remaining = file.indices.filter { $0 != leaf && !file[$0].isEqual(to: file[leaf]) }
    while !top.isSelfSigned {
      let candidates = remaining.filter { file[$0].hasIssued(top) }
      // Of a root and a certificate for the same authority by an older root, the latter serves more clients.
      guard let next = candidates.first(where: { !file[$0].isSelfSigned }) ?? candidates.first else { break }
      top = file[next]
      order.append(next)
      remaining.removeAll { file[$0].isEqual(to: top) }
      if top.isSelfSigned { root = top } else { issuers.append(top) }
    }
    self.top = top
    strangers = remaining.map { file[$0] }
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
