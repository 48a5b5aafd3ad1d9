/// What is the matter with a certificate that can be served all the same: clients may refuse it. Its end is told of by
/// whoever watches the clock for longer.
package enum CertificateFinding: Equatable, Sendable, CustomStringConvertible {
  /// Of the certificate, or of an issuer of its, by its name.
  case notYetValid(String)
  /// It says whom it is for in its common name alone.
  case nameless(String)
  case issuerEnded(String)
  case refusedKey(String, key: String)
  case weakSignature(String, algorithm: String)
  /// Whoever issued it is not in its file, and the certificate says that it can be had at `url`: no root, most likely.
  case issuerMissing(String, url: String)
  /// These certificates of the file are no part of its chain, and nobody is sent them.
  case strangers([String])

  package var description: String {
    switch self {
    case .notYetValid(let name): "the certificate for \(name) is not valid yet; is this machine's clock right?"
    case .nameless(let name):
      "the certificate for \(name) has no subjectAltName, and browsers look at nothing else: have it issued with its names there"
    case .issuerEnded(let name): "the issuer \(name) has expired: put its renewed certificate into the file"
    case .refusedKey(let name, let key):
      "the key of \(name) is \(key), which clients refuse: RSA of 2048 bits or ECDSA P-256 is wanted"
    case .weakSignature(let name, let algorithm):
      "\(name) is signed with \(algorithm), which clients refuse: have it issued again with SHA-256"
    case .issuerMissing(let name, let url):
      "its issuer \(name) is not in the file; clients that do not have it refuse the certificate: append it, from \(url)"
    case .strangers(let names):
      "not sent, since no part of the chain: \(names.joined(separator: "; ")). An issuer between is missing, or it is another's"
    }
  }
}

extension CertificatePair {
  /// What clients may refuse it for at `seconds` since 1970, but for its end.
  package func findings(at seconds: Int64) -> [CertificateFinding] {
    var findings: [CertificateFinding] = []
    if seconds < facts.notBefore { findings.append(.notYetValid("\(facts)")) }
    if !facts.hasAlternativeNames { findings.append(.nameless("\(facts)")) }
    for part in [certificate] + chain.issuers {
      guard let facts = CertificateFacts(reading: part) else { continue }
      if part !== certificate, facts.expired(at: seconds) { findings.append(.issuerEnded("\(facts)")) }
      if facts.hasRefusedKey { findings.append(.refusedKey("\(facts)", key: facts.key)) }
      if facts.hasWeakSignature, !part.isSelfSigned {
        findings.append(.weakSignature("\(facts)", algorithm: facts.signature))
      }
    }
    if chain.issuer == nil, !certificate.isSelfSigned, let url = certificate.issuerURL {
      findings.append(.issuerMissing(facts.issuer, url: url))
    }
    let strangers = chain.strangers.compactMap { CertificateFacts(reading: $0)?.description }
    if !strangers.isEmpty { findings.append(.strangers(strangers)) }
    return findings
  }
}

extension Certificate {
  /// Where its issuer's own certificate can be fetched.
  fileprivate var issuerURL: String? {
    // SAFETY: live as long as `self`.
    unsafe AuthorityInformation(of: x509).issuers.first { $0.hasPrefix("http://") }
  }
}
