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
