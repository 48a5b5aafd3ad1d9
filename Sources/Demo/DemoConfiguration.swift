import Wire

/// The configuration of the demo's load balancer, in the usual format.
package struct DemoConfiguration: Sendable {
  /// An example server, as configured in the load balancer.
  package struct Server: Sendable {
    package let name: String
    package let endpoint: Endpoint
    /// The SHA-256 of its certificate in hexadecimal.
    package let fingerprint: String
  }

  package let https: Endpoint
  package let redirect: Endpoint
  /// The path of the load balancer's certificate and key, in PEM.
  package let certificatePath: String
  package let servers: [Server]

  /// The load balancer's names. The last two work without a name server.
  package static let names = ["view.domain.local", "localhost", "127.0.0.1"]

  /// The file's text. Health checks are faster than the defaults, so that a stopped server is detected quickly.
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
