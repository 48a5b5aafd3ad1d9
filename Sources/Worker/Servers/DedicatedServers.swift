import Configuration
import HTTP1

/// What means one server, whatever the client is known by: its names.
///
/// A class, so that a request that has none to ask counts no references.
final class DedicatedServers: Sendable {
  /// With the server's index.
  private let names: HostTable

  /// Nil when nothing means one server.
  init?(_ servers: [Configuration.Server]) {
    guard servers.contains(where: { !$0.names.isEmpty }) else { return nil }
    names = HostTable(servers.enumerated().flatMap { index, server in server.names.map { ($0.host, index) } })
  }

  /// The server that a request with this Host means.
  func server(host: Span<UInt8>) -> Int? { names.number(ofHost: host) }
}
