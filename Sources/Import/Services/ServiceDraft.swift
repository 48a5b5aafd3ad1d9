import Wire

/// A service that is being imported.
struct ServiceDraft: Sendable {
  /// Its name below `services`.
  var name: String
  /// Places of its proxies; the same for `listen`.
  let frontend: Int
  let backend: Int
  let isPassthrough: Bool
  /// Whether it has the requests for all names that no other service of the section has.
  var isDefault = true
  /// The host names, the canonical one first.
  var hosts: [String] = []
  /// As the configuration has them, and what listens there.
  var listeners: [String] = []
  var binds: [BindLine] = []
  /// Further ports that follow the client's server.
  var relayed: [UInt16] = []
  var servers: [ServerDraft] = []
  /// Everything else.
  var settings = YAMLMapping()

  /// The port of `listen` that servers without a port have too.
  var mainPort: UInt16 { binds.flatMap(\.ports).first { !relayed.contains($0) } ?? 443 }

  /// Sets a value, unless it is the default, or another one was set before.
  mutating func choose(_ key: String, _ value: String) -> Verdict {
    choose(key, .scalar(value), text: value)
  }

  mutating func choose(_ key: String, _ node: YAMLNode, text: String) -> Verdict {
    let path = key.split(separator: ".").map(String.init)
    if let other = settings.node(at: path), other != node {
      return .impossible("`\(key)` has one value in a service, and another line has set it")
    }
    // A default is kept until the service is written, so that the next line can not set another value.
    settings.set(path, node)
    return Standards.values[key] == text ? .standard("\(key): \(text)") : .taken("\(key): \(text)")
  }

  /// Whether these are the same machines.
  func hasServers(_ others: [ServerLine]) -> Bool {
    let mine = Set(servers.compactMap(\.address))
    return !mine.isEmpty && mine == Set(others.compactMap(\.address))
  }
}

/// A server that is being imported.
struct ServerDraft: Sendable {
  let name: String
  let address: IPAddress?
  /// As written.
  let target: String
  let port: UInt16
  /// All keys but the address and the port.
  var settings = YAMLMapping()
  var hosts: [String] = []
  var ports: [UInt16] = []
  var isDisabled = false
}

/// The defaults that the import compares with, as the schema writes them.
package enum Standards {
  /// By key.
  package static let values: [String: String] = [
    "timeouts.client": "1m", "timeouts.server": "1m", "timeouts.connect": "10s", "timeouts.queue": "1m",
    "timeouts.http-request": "10s", "timeouts.keep-alive": "10s", "timeouts.tunnel": "12h", "timeouts.stop": "30s",
    "timeouts.tls-handshake": "5s", "retries": "3", "limits.connections": "10000", "limits.queue": "1000",
    "health.check": "https", "health.path": "/favicon.ico", "health.method": "GET", "health.interval": "5s",
    "health.timeout": "5s", "health.rise": "2", "health.fall": "3", "health.slow-start": "0ms", "affinity.hold": "90m",
    "affinity.entries": "100000", "affinity.by": "client-address", "trust": "system",
    "server-tls-profile": "intermediate", "tls.profile": "intermediate", "tls.tickets": "true", "mode": "http",
    "threads": "auto", "log.facility": "daemon", "log.access.target": "stdout", "log.access.format": "httplog",
    "vrrp.version": "3", "vrrp.interval": "1s", "vrrp.preempt": "true", "vrrp.preempt-delay": "0ms",
  ]
}
