import Domain
import Linux
import Synchronization
import TLS
import Wire

/// The example Connection Servers of the demo: view01 and view02, each with its own certificate.
struct ExamplePair {
  /// Their preferred ports.
  private static let preferred: [(name: String, port: UInt16)] = [("view01", 8451), ("view02", 8452)]

  let servers: [ExampleServer]
  /// For the load balancer's configuration.
  let descriptions: [DemoConfiguration.Server]

  /// How often another port is tried when one is in use.
  private static let attempts = 10

  /// Creates and starts both servers.
  init(on address: IPAddress, ports: inout FreePorts) throws(DemoError) {
    var servers: [ExampleServer] = []
    var descriptions: [DemoConfiguration.Server] = []
    for (name, port) in Self.preferred {
      let (state, context, fingerprint) = try Self.identity(of: name)
      let server = try Self.start(on: address, wishing: port, ports: &ports) { endpoint in
        ExampleServer(state: state, endpoint: endpoint, context: context)
      }
      servers.append(server)
      let description = DemoConfiguration.Server(name: name, endpoint: server.endpoint, fingerprint: "\(fingerprint)")
      descriptions.append(description)
    }
    self.servers = servers
    self.descriptions = descriptions
  }

  private static func start(
    on address: IPAddress, wishing port: UInt16, ports: inout FreePorts, _ make: (Endpoint) -> ExampleServer
  ) throws(DemoError) -> ExampleServer {
    var attempt = 1
    while true {
      let server = make(Endpoint(address: address, port: try ports.take(wishing: port)))
      do throws(DemoError) {
        try server.start()
        return server
      } catch {
        guard attempt < attempts else { throw error }
        attempt += 1
      }
    }
  }

  private static func identity(
    of name: String
  ) throws(DemoError) -> (ExampleServerState, ServerContext, Fingerprint) {
    try needed { () throws(TLSError) in
      // Valid for a year, as that of the service: the log warns of what expires within 30 days.
      let pair = try SelfSigned.make(for: ["\(name).domain.local"], validity: -60...365 * 86_400)
      let context = try ServerContext(
        certificates: [pair], profile: .intermediate, tickets: try TicketKeys(at: Clock.wall()))
      let identity = uuid(try RandomBytes.make(16))
      let sessions = SessionNames(prefix: Hexadecimal.text(try RandomBytes.make(8)))
      let state = ExampleServerState(site: ExampleSite(name: name, brokerGUID: identity)) { sessions.next() }
      return (state, context, pair.facts.fingerprint)
    }
  }

  /// 16 bytes in UUID format.
  private static func uuid(_ bytes: [UInt8]) -> String {
    [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { Hexadecimal.text(bytes[$0]) }.joined(separator: "-")
  }
}

/// Unique session IDs: a random prefix and a counter.
private final class SessionNames: Sendable {
  private let prefix: String
  private let count = Atomic<UInt64>(0)

  init(prefix: String) { self.prefix = prefix }

  func next() -> String { "\(prefix)\(count.add(1, ordering: .relaxed).newValue)" }
}
