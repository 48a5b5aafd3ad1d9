import Configuration
import Domain
import TLS
import Wire

/// A summary of what a configuration would serve, in a few lines of text.
struct ServiceSummary {
  private let configuration: Configuration
  /// By the names of the services.
  private let certificates: [String: [CertificateFacts]]
  /// What certificates of clients are verified with, likewise.
  private let verifications: [String: ClientVerification]
  private let time: WallTime

  /// Reads the files of authorities and revocation lists, which have been checked. `time`: now.
  init(_ configuration: Configuration, certificates: [String: [CertificateFacts]], at time: WallTime) {
    self.configuration = configuration
    self.certificates = certificates
    self.time = time
    var verifications: [String: ClientVerification] = [:]
    for service in configuration.services {
      guard let settings = service.tls.clientCertificates else { continue }
      verifications[service.name] = try? ClientVerification(
        authorities: settings.authorities, revocationLists: settings.revocationLists, isRequired: settings.isRequired)
    }
    self.verifications = verifications
  }

  /// The text, with a newline at the end.
  var text: String {
    var rows = configuration.services.flatMap(rows)
    for router in configuration.virtualRouters {
      let addresses = router.settings.addresses.map(\.description).joined(separator: ", ")
      rows.append(
        (router.name, "\(addresses) on \(router.interface), priority \(router.settings.priority) on this node"))
    }
    for server in configuration.servers {
      rows.append((server.fullName, "\(server.endpoint)" + Self.marks(of: server)))
    }
    let width = rows.map(\.0.count).max() ?? 0
    let lines = rows.map { name, value in
      "  " + name + String(repeating: " ", count: width - name.count) + "  " + value + "\n"
    }
    return verdict + "\n" + lines.joined()
  }

  /// A configuration that refuses clients because of a date is accepted: others may depend on it.
  private var verdict: String {
    let ended = verifications.sorted { $0.key < $1.key }.flatMap { _, verification in
      verification.authorities.filter { $0.notAfter < time }.map { "the authority of clients \($0.subject)" }
        + verification.revocationLists.filter { $0.nextUpdate.map { $0 < time } == true }
        .map { "the revocation list of \($0.issuer)" }
    }
    guard let first = ended.first else { return "The configuration is in order." }
    let more = ended.count > 1 ? " (and \(ended.count - 1) more)" : ""
    return "The configuration is accepted, but clients are refused: \(first) has expired\(more)."
  }

  /// Whether clients are asked for certificates, of which authorities, and what ends first.
  private func rows(of verification: ClientVerification) -> [(String, String)] {
    let names = verification.authorities.prefix(4).map(\.subject).joined(separator: ", ")
    let more = verification.authorities.count > 4 ? " and \(verification.authorities.count - 4) more" : ""
    var rows = [
      ("client certificate", "\(verification.isRequired ? "required" : "not required"), of \(names)\(more)")
    ]
    if let end = verification.authorities.map(\.notAfter).min() { rows.append(("", "authorities: until \(end.date)")) }
    guard !verification.revocationLists.isEmpty else { return rows + [("", "no revocation list")] }
    let end = verification.revocationLists.compactMap(\.nextUpdate).min()
    let words = end.map { " until \($0)" } ?? ", without an end"
    let count = verification.revocationLists.count
    return rows + [("", (count == 1 ? "1 revocation list" : "\(count) revocation lists, the first") + words)]
  }

  private func rows(of service: Configuration.Service) -> [(String, String)] {
    let names = service.names.map(\.text).joined(separator: ", ")
    var rows = [("service" + (service.name.isEmpty ? "" : " \(service.name)"), names)]
    let listeners = service.listeners.map(\.description).joined(separator: ", ")
    switch service.mode {
    case .http: rows.append(("https on", listeners))
    case .passthrough: rows.append(("passed through on", listeners))
    }
    if let redirect = service.redirect {
      let target = redirect.location.map { " to \($0)" } ?? " to https"
      rows.append(("redirect on", redirect.listeners.map(\.description).joined(separator: ", ") + target))
    }
    let relays = service.relayListeners
    if !relays.isEmpty { rows.append(("relayed on", relays.map(\.description).joined(separator: ", "))) }
    let datagrams = service.datagramListeners
    if !datagrams.isEmpty { rows.append(("UDP relayed on", datagrams.map(\.description).joined(separator: ", "))) }
    rows += Self.rows(of: service.access)
    if let verification = verifications[service.name] { rows += self.rows(of: verification) }
    for certificate in certificates[service.name] ?? [] {
      let names = (certificate.names + certificate.addresses).joined(separator: ", ")
      rows.append(("certificate", "\(certificate) for \(names.isEmpty ? "no name" : names)"))
      rows.append(("", "SHA-256 \(certificate.fingerprint)"))
    }
    return rows
  }

  /// Who may use the service, and each of its paths.
  private static func rows(of access: Configuration.Access) -> [(String, String)] {
    var rules = access.networks.isEmpty ? [] : [Self.text(of: access.networks)]
    rules += access.paths.map { "\($0.path): \(Self.text(of: $0.networks))" }
    return rules.enumerated().map { ($0.offset == 0 ? "access" : "", $0.element) }
  }

  private static func text(of networks: Configuration.Access.Networks) -> String {
    func list(_ some: [IPPrefix]) -> String {
      let more = some.count > 8 ? " and \(some.count - 8) more" : ""
      return some.prefix(8).map(\.description).joined(separator: ", ") + more
    }
    if networks.isEmpty { return "all" }
    let allowed = networks.allow.isEmpty ? "all" : "only " + list(networks.allow)
    return networks.deny.isEmpty ? allowed : "\(allowed), but not \(list(networks.deny))"
  }

  private static func marks(of server: Configuration.Server) -> String {
    var marks: [String] = []
    if server.weight != 1 { marks.append("weight \(server.weight)") }
    if server.isBackup { marks.append("backup") }
    if !server.names.isEmpty { marks.append("named " + server.names.map(\.text).joined(separator: ", ")) }
    if !server.ports.isEmpty { marks.append("ports " + server.ports.map(String.init).joined(separator: ", ")) }
    switch server.trust {
    case .system: break
    case .authority(let file): marks.append("trusts \(file)")
    case .fingerprints(let pinned): marks.append(pinned.count == 1 ? "pinned" : "\(pinned.count) pinned fingerprints")
    case .insecureNoVerification: marks.append("NOT VERIFIED")
    }
    return marks.isEmpty ? "" : " (" + marks.joined(separator: ", ") + ")"
  }
}
