import Roles

/// The service in one line, for `systemctl status`: what the worker has told of itself.
struct ServiceStatus {
  /// How many servers the configuration has.
  private(set) var servers: Int
  private var states: [String: ServerChange.State] = [:]
  private var load: Load?

  init(servers: Int, load: Load? = nil) {
    self.servers = servers
    self.load = load
  }

  mutating func note(_ change: ServerChange) { states[change.name] = change.state }
  mutating func note(_ load: Load) { self.load = load }

  /// Another configuration with as many servers; states of servers that it does not name are forgotten with time.
  mutating func adopt(servers: Int) { self = ServiceStatus(servers: servers, load: load) }

  /// Forgets what an earlier worker has told.
  mutating func reset() { self = ServiceStatus(servers: servers) }

  /// `12 connections, 4711 requests; servers: 3 of 4 up, down: view02`.
  var line: String {
    var parts: [String] = []
    if let load { parts.append("\(load.connections) connections, \(load.requests) requests") }
    if !states.isEmpty {
      let up = states.count { $0.value == .up }
      let others = states.filter { $0.value != .up }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
      parts.append((["servers: \(up) of \(servers) up"] + others).joined(separator: ", "))
    }
    return parts.isEmpty ? "serving" : parts.joined(separator: "; ")
  }
}
