import Configuration
import Control

/// What a report shows of a configuration.
package struct ServiceDescription {
  package var mode = ""
  package var names: [String] = []
  /// As `*:443`, `192.0.2.1:443` or `*:80 (redirect)`.
  package var listeners: [String] = []
  package var limits = StatusReport.Limits()
  /// In the configuration's order, without what only a running worker knows.
  package var servers: [StatusReport.Server] = []

  package init() {}

  /// Describes a configuration; `ServiceStatus` fills in state and load.
  package init(_ configuration: Configuration) {
    mode = configuration.mode.rawValue
    names = configuration.service.map(\.text)
    let redirects = configuration.redirect?.listeners ?? []
    listeners = configuration.listeners.map(\.text) + redirects.map { $0.text + " (redirect)" }
    limits.connections = UInt64(configuration.limits.connections)
    limits.connectionsPerAddress = configuration.limits.connectionsPerAddress.map { UInt64($0) }
    limits.queue = UInt64(configuration.limits.queue)
    limits.clients = UInt64(configuration.affinity.entries)
    servers = configuration.servers.map { server in
      var described = StatusReport.Server(server.place)
      described.weight = UInt64(server.weight)
      described.configuredWeight = UInt64(server.weight)
      described.isBackup = server.isBackup
      described.names = server.names.map(\.text)
      described.ports = server.ports
      described.limit = UInt64(server.connections)
      return described
    }
  }
}
