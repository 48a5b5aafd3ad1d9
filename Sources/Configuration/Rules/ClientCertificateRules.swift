import Domain

/// The rules about `tls.client-certificates`.
extension Rules {
  static func checkClientCertificates(_ service: Configuration.Service, _ reader: inout Reader) {
    guard let settings = service.tls.clientCertificates, let place = reader.site("tls", "client-certificates") else {
      return
    }
    if service.mode == .passthrough {
      return reader.error(
        "clients' certificates can't be verified in mode `passthrough`: the servers terminate TLS", at: place.key,
        "Let the servers verify them.")
    }
    if service.tls.profile == .old, let profile = reader.mark("tls", "profile") {
      reader.error(
        "certificates of clients can't be verified with `old`: their signatures could be forged", at: profile,
        "Use `legacy`, which has TLS 1.2 at least.")
    }
    if service.tls.tickets, let tickets = reader.mark("tls", "tickets") {
      reader.warn(
        "sessions are not resumed where certificates of clients are verified (`client-certificates`)", at: tickets,
        "Set it to `off`, or take it out.")
    }
    if settings.isRequired, !service.relay.isEmpty {
      reader.warn(
        "ports of `relay` are open to clients without a certificate: what comes there is not decrypted", at: place.key,
        "Restrict them by address (`access`).")
    }
  }
}
