import Wire

/// The configuration that the balancer of the demonstration runs with: an ordinary file of its language.
package struct DemoConfiguration: Sendable {
  /// An example server, as the balancer is to reach it.
  package struct Server: Sendable {
    package let name: String
    package let endpoint: Endpoint
    /// The SHA-256 of its certificate, in hexadecimal digits.
    package let fingerprint: String
  }

  package let https: Endpoint
  package let redirect: Endpoint
  /// Path of the balancer's certificate and key, in PEM.
  package let certificatePath: String
  package let servers: [Server]

  /// What the balancer is called. The last two are how it is reached without a name server.
  package static let names = ["view.domain.local", "localhost", "127.0.0.1"]

  /// The file. Health checks are quicker than the defaults, so that nobody waits to see a server die.
  package var text: String {
    let servers = servers.map {
      "  \($0.name): { address: \($0.endpoint.address), port: \($0.endpoint.port), "
        + "trust: { fingerprint: \"\($0.fingerprint)\" } }\n"
    }
    return """
      service: [\(Self.names.joined(separator: ", "))]
      listen: "\(https)"
      redirect: { listen: "\(redirect)" }
      tls: { certificate: \(certificatePath) }
      servers:
      \(servers.joined())health: { interval: 500ms, timeout: 1500ms, jitter: 50ms, rise: 2, fall: 2 }
      timeouts: { stop: 2s }
      limits: { connections: 400 }
      threads: 2
      log: { target: stderr }

      """
  }
}
