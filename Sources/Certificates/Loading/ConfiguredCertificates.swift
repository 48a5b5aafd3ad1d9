import Configuration
import TLS

extension Configuration.Service {
  /// Loads what clients get: the certificates under the service's policy. `tickets` are used where sessions may be
  /// resumed.
  package func loadServerContext(tickets: TicketKeys?) throws(TLSError) -> ServerContext {
    let known = tls.unknownNames == .refuse ? clientNames.map(\.text) : nil
    return try ServerContext(
      certificates: tls.loadCertificates(), policy: tls.policy,
      names: ServerNameRules(refused: tls.refusedNames, known: known), tickets: tls.tickets ? tickets : nil,
      verification: tls.clientCertificates?.load())
  }
}

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
