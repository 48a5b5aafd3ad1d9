import Domain
import Wire

extension Configuration {
  /// One Connection Server.
  package struct Server: Equatable, Sendable {
    /// The key in the file. Clients' assignments within the service are carried over a reload by it.
    package var name: String
    /// The name of its service; empty where that has none.
    package var service = ""
    package var endpoint: Endpoint
    /// The server's share of clients in proportion to the others', 1 to 256. 0: known clients only (drain).
    package var weight = 1
    /// Used only when no server without this mark can take a client.
    package var isBackup = false
    /// How many connections the server is given at once; what comes on top waits in its queue.
    ///
    /// 4,000 is what the vendor has tested. The server's own limit (2,000 sessions as installed) is lower, counts
    /// sessions of which each may hold two connections, and stays the one that decides.
    package var connections = 4000
    /// The name sent to the server (SNI, RFC 6066 §3) and looked for in its certificate: a host name, or an IP address
    /// as text, which is looked for but not sent. The canonical service name unless the file has another.
    package var serverName: String
    /// What makes the server's certificate acceptable.
    package var trust: Trust
    /// What is offered to the server: TLS 1.2 and later unless the file has another.
    package var tlsProfile = TLSProfile.intermediate
    /// Each connection to it begins with a header of the PROXY protocol, version 2, that names the client.
    package var sendsProxyHeader = false
    /// Names that mean this server, whatever its clients are known by. No other server has them, nor the service.
    package var names: [ServiceName] = []
    /// Ports that mean this server alone likewise, on each address that the service's listeners have.
    package var ports: [UInt16] = []

    package init(name: String, endpoint: Endpoint, serverName: String, trust: Trust = .system) {
      self.name = name
      self.endpoint = endpoint
      self.serverName = serverName
      self.trust = trust
    }

    /// The name in log, status and commands: `service/server`. Administrative states are carried over a reload by it,
    /// health and what runs by it and the address.
    package var fullName: String { service.isEmpty ? name : "\(service)/\(name)" }

    package var place: ServerPlace { ServerPlace(name: fullName, endpoint: endpoint) }
  }
}
