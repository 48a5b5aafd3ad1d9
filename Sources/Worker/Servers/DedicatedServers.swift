import Configuration
import HTTP1

/// What means one server, whatever the client is known by: its ports, and its names.
///
/// A class, so that a request that has none to ask counts no references.
final class DedicatedServers: Sendable {
  /// With the server's index.
  private let ports: [UInt16: Int]
  private let names: HostTable

  /// Nil when nothing means one server.
  init?(_ servers: [Configuration.Server]) {
    guard servers.contains(where: { !$0.names.isEmpty || !$0.ports.isEmpty }) else { return nil }
    let all = servers.enumerated()
    ports = Dictionary(all.flatMap { index, server in server.ports.map { ($0, index) } }) { first, _ in first }
    names = HostTable(all.flatMap { index, server in server.names.map { ($0.host, index) } })
  }

  /// The server that is meant by what comes to this port of ours, with this Host if it is a request.
  func server(port: UInt16, host: Span<UInt8>) -> Int? { ports[port] ?? names.number(ofHost: host) }
}
