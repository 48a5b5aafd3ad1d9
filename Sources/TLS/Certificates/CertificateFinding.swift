import Domain
import Wire

/// A problem of a certificate that is served nevertheless, but that clients may reject. `ExpiryWatch` reports expiry.
public enum CertificateFinding: Equatable, Sendable, CustomStringConvertible {
  /// The certificate, or one of its issuers, by name.
  case notYetValid(String)
  /// Its host name is in the common name only.
  case nameless(String)
  case issuerEnded(String)
  case refusedKey(String, key: String)
  case weakSignature(String, algorithm: String)
  /// The issuer is neither in the file nor a root that this system trusts. It may be available at `url`, according to
  /// the certificate.
  case issuerMissing(String, url: String?)
  /// These certificates in the file are not sent, since it has others of the same authorities that are valid for longer
  /// or that more clients trust.
  case replaced([String])
  /// These certificates in the file are not part of the chain, and are not sent.
  case unrelated([String])

  public var description: String {
    switch self {
    case .notYetValid(let name): "the certificate for \(name) is not valid yet; is this machine's clock right?"
    case .nameless(let name):
      "the certificate for \(name) has no subjectAltName, and browsers look at nothing else: have it issued with its names there"
    case .issuerEnded(let name): "the issuer \(name) has expired: put its renewed certificate into the file"
    case .refusedKey(let name, let key):
      "the key of \(name) is \(key), which clients refuse: expected at least RSA 2048 or ECDSA P-256"
    case .weakSignature(let name, let algorithm):
      "\(name) is signed with \(algorithm), which clients refuse: have it issued again with SHA-256"
    case .issuerMissing(let name, let url?):
      "its issuer \(name) is not in the file; clients that do not have it refuse the certificate: append it, from \(url)"
    case .issuerMissing(let name, nil):
      "its issuer \(name) is not in the file; clients that do not have it refuse the certificate: append it (a root is not sent)"
    case .replaced(let names):
      "not sent, since the file has a better certificate of the same authority: \(names.joined(separator: "; ")). Take it out"
    case .unrelated(let names):
      "not sent, since they do not belong to the chain: \(names.joined(separator: "; ")). An intermediate is missing, or they belong to another certificate"
    }
  }
}

extension CertificatePair {
  /// What clients may reject it for at `time`, except expiry.
  public func findings(at time: WallTime) -> [CertificateFinding] {
    var findings: [CertificateFinding] = []
    if time < facts.notBefore { findings.append(.notYetValid("\(facts)")) }
    if !facts.hasAlternativeNames { findings.append(.nameless("\(facts)")) }
    for part in [certificate] + chain.issuers {
      guard let facts = CertificateFacts(reading: part) else { continue }
      if part !== certificate, facts.expired(at: time) { findings.append(.issuerEnded("\(facts)")) }
      if facts.hasRefusedKey { findings.append(.refusedKey("\(facts)", key: facts.key)) }
      if facts.hasWeakSignature, !part.isSelfSigned {
        findings.append(.weakSignature("\(facts)", algorithm: facts.signature))
      }
    }
    if chain.issuer == nil, !certificate.isSelfSigned {
      let url = certificate.issuerURL
      if url != nil || !certificate.isIssuedBySystemRoot { findings.append(.issuerMissing(facts.issuer, url: url)) }
    }
    let replaced = Self.descriptions(of: chain.replaced)
    if !replaced.isEmpty { findings.append(.replaced(replaced)) }
    let unrelated = Self.descriptions(of: chain.unrelated)
    if !unrelated.isEmpty { findings.append(.unrelated(unrelated)) }
    return findings
  }

  private static func descriptions(of certificates: [Certificate]) -> [String] {
    certificates.compactMap { CertificateFacts(reading: $0)?.description }
  }
}

extension Certificate {
  /// The URL of its issuer's certificate.
  fileprivate var issuerURL: String? {
    // SAFETY: valid as long as `self`.
    unsafe AuthorityInformation(of: x509).issuers.first { $0.hasPrefix("http://") }
  }

  /// Whether a root that this system trusts has issued it; most clients then trust that root too.
  fileprivate var isIssuedBySystemRoot: Bool {
    for path in Trust.systemStores {
      guard let authorities = try? PEMFile(path: path).certificates() else { continue }
      return authorities.contains { $0.hasIssued(self) }
    }
    return false
  }
}
