import Configuration
import HTTP1

/// The ports and host names that are dedicated to one server, regardless of the client's affinity.
///
/// A class, so that a request to a backend without any counts no references.
final class DedicatedServers: Sendable {
  /// The server's index by port.
  private let ports: [UInt16: Int]
  private let names: HostTable

  /// Nil when no port or name is dedicated to a server.
  init?(_ servers: [Configuration.Server]) {
    guard servers.contains(where: { !$0.names.isEmpty || !$0.ports.isEmpty }) else { return nil }
    let all = servers.enumerated()
    ports = Dictionary(all.flatMap { index, server in server.ports.map { ($0, index) } }) { first, _ in first }
    names = HostTable(all.flatMap { index, server in server.names.map { ($0.host, index) } })
  }

  /// The server to which this local port, or the request's Host, is dedicated.
  func server(port: UInt16, host: Span<UInt8>) -> Int? { ports[port] ?? names.number(ofHost: host) }
}
