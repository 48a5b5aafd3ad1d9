import Configuration
import Control
import Wire

/// What a report shows of a configuration.
package struct ServiceDescription {
  /// In the configuration's order.
  package var services: [StatusReport.Service] = []
  package var limits = StatusReport.Limits()
  /// The most clients that each service remembers, by its name.
  var clientLimits: [String: UInt64] = [:]
  /// In the configuration's order, without what only a running worker knows.
  package var servers: [StatusReport.Server] = []

  /// The service of each certificate, in the configuration's order.
  var certificateServices: [String] = []
  /// What the nodes of a pair compare of their configurations; empty without a pair.
  var sections: [Configuration.SectionDigest] = []

  /// Whether the report is published to `belvedere observe`.
  var isObserved = false

  package init() {}

  /// Describes a configuration; `ServiceStatus` fills in state and load.
  package init(_ configuration: Configuration) {
    services = configuration.services.map { service in
      let redirects = service.redirect?.listeners ?? []
      return StatusReport.Service(
        name: service.name, mode: service.mode.rawValue, names: service.names.map(\.text),
        listeners: service.listeners.map(\.description) + redirects.map { "\($0) (redirect)" }
          + service.relayListeners.map { "\($0) (relay)" }
          + service.datagramListeners.map { "\($0) (relay, UDP)" })
    }
    limits.connections = UInt64(configuration.limits.connections)
    limits.connectionsPerAddress = configuration.limits.connectionsPerAddress.map { UInt64($0) }
    limits.flows = UInt64(configuration.flowLimit)
    limits.queue = UInt64(configuration.services.map(\.limits.queue).max() ?? 0)
    limits.clients = UInt64(configuration.services.reduce(0) { $0 + $1.affinity.entries })
    if !configuration.rates.isEmpty {
      let texts = configuration.rates.texts
      limits.rates = StatusReport.ClientRates(
        connections: texts.connections, handshakes: texts.handshakes, requests: texts.requests,
        isTrial: configuration.rates.isTrial)
    }
    clientLimits = Dictionary(
      configuration.services.map { ($0.name, UInt64($0.affinity.entries * $0.affinity.tableCount)) }
    ) { first, _ in first }
    certificateServices = configuration.services.filter { $0.mode == .http }
      .flatMap { service in service.tls.certificates.map { _ in service.name } }
    isObserved = configuration.observer != nil
    servers = configuration.servers.map { server in
      var described = StatusReport.Server(server.identity)
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
