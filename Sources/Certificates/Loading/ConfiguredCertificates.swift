import Configuration
import TLS

extension Configuration.TLSTermination {
  /// Loads the configured certificates, with their chains and keys, in the configuration's order.
  package func loadCertificates() throws(TLSError) -> [CertificatePair] {
    var pairs: [CertificatePair] = []
    for certificate in certificates {
      pairs.append(try CertificatePair(path: certificate.chain, keyPath: certificate.key))
    }
    return pairs
  }
}

extension Configuration.ClientCertificates {
  /// Loads the authorities and their revocation lists.
  package func load() throws(TLSError) -> ClientVerification {
    try ClientVerification(authorities: authorities, revocationLists: revocationLists, isRequired: isRequired)
  }
}
