import Configuration
import Domain
import Logging
import TLS

/// Whether a server has the certificate that clients are shown: those that use its gateways compare the two.
extension Prober {
  /// Logs it when a server's certificate begins to be another one than clients are shown, becomes yet another one, or is
  /// the same again. `former`: as of the check before. Nothing is logged where the configuration names the certificate.
  func compare(
    _ certificate: CertificateFacts, of server: SharedServer, _ former: ServerCertificate?, _ context: inout LoopContext
  ) {
    guard let now = server.checks.last?.certificate, !context.isPinned(server) else { return }
    switch now.isShown {
    case false? where former?.isShown != false || now.fingerprint != former?.fingerprint:
      context.noteFailure(
        of: server, .certificate,
        "\(certificate), SHA-256 \(now.fingerprint.prefix(16))…; clients that use its secure tunnel, Blast or PCoIP gateway refuse it"
      )
    case true? where former?.isShown == false:
      context.reports.log.notice("server \(server.name): its certificate is the one that clients are shown again")
    default: break
    }
  }
}

extension LoopContext {
  /// Whether the configuration names the server's certificate, which is another one on purpose then, or has no such
  /// server.
  fileprivate func isPinned(_ server: SharedServer) -> Bool {
    guard let index = snapshot.index(of: server) else { return true }
    if case .fingerprints = snapshot.configuration.servers[index].trust { return true }
    return false
  }
}
