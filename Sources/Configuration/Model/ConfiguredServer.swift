import Domain
import Wire

extension Configuration {
  /// One Connection Server.
  package struct Server: Equatable, Sendable {
    /// The key in the file. Assignments of clients within the service are kept over a reload by this name.
    package var name: String
    /// The name of its service; empty if the service has none.
    package var service = ""
    package var endpoint: Endpoint
    /// The server's share of clients relative to the others, 1 to 256. 0: assigned clients only (drain).
    package var weight = 1
    /// Used only when no server without this flag is available.
    package var isBackup = false
    /// Maximum of concurrent connections to the server; further requests wait in its queue.
    ///
    /// 4,000 is the number tested by the vendor. The server's own limit (2,000 sessions by default) is lower, but
    /// counts sessions, each of which may use two connections; it remains the effective one.
    package var connections = 4000
    /// The name sent to the server (SNI, RFC 6066 §3) and verified in its certificate: a host name, or an IP address as
    /// text, which is verified but not sent. The canonical service name unless the file has another.
    package var serverName: String
    /// How the server's certificate is verified.
    package var trust: Trust
    /// For connections to the server. The profile is the service's unless the file has another, and the restrictions are
    /// the service's.
    package var tls = TLSPolicy()
    /// Whether each connection to it begins with a PROXY protocol header, version 2, that names the client.
    package var sendsProxyHeader = false
    /// Names dedicated to this server, regardless of affinity. No other server has them, nor the service.
    package var names: [ServiceName] = []
    /// Ports dedicated to this server in the same way, on each address of the service's listeners.
    package var ports: [UInt16] = []

    package init(name: String, endpoint: Endpoint, serverName: String, trust: Trust = .system) {
      self.name = name
      self.endpoint = endpoint
      self.serverName = serverName
      self.trust = trust
    }

    /// The name in the log, the status and commands: `service/server`. Administrative states are kept over a reload by
    /// this name; health and exchanges by this name and the address.
    package var fullName: String { service.isEmpty ? name : "\(service)/\(name)" }

    package var identity: ServerIdentity { ServerIdentity(name: fullName, endpoint: endpoint) }
  }
}
