import Configuration
import TLS

extension Configuration.TLSTermination {
  /// Loads the certificates that clients are shown, with their chains and keys, in the configuration's order.
  package func loadCertificates() throws(TLSError) -> [CertificatePair] {
    var pairs: [CertificatePair] = []
    for certificate in certificates {
      pairs.append(try CertificatePair(path: certificate.chain, keyPath: certificate.key))
    }
    return pairs
  }
}

extension TLSProfile {
  /// The profile that the configuration names.
  package init(_ profile: Configuration.Profile) {
    switch profile {
    case .modern: self = .modern
    case .intermediate: self = .intermediate
    case .legacy: self = .legacy
    }
  }
}

extension TLS.Trust {
  /// What the configuration wants servers to be verified against.
  package init(_ trust: Configuration.Trust) throws(TLSError) {
    switch trust {
    case .system: self = .system
    case .authority(let file): self = .authoritiesFile(path: file)
    case .fingerprints(let fingerprints):
      var pins: [TLS.Fingerprint] = []
      for fingerprint in fingerprints { pins.append(try TLS.Fingerprint(digest: fingerprint.bytes)) }
      self = .fingerprints(pins)
    case .insecureNoVerification: self = .none
    }
  }
}
