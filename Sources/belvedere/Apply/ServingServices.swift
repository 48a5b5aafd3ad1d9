import Control
import Domain

/// Which services of a running node can serve.
struct ServingServices {
  /// The states of the servers that are in the configuration, by service.
  private var servers: [String: [String]] = [:]
  /// Those with a server that is up.
  private var up: Set<String> = []
  /// Those with a server that is up, as its last check says.
  private var confirmed: Set<String> = []

  /// None.
  init() {}

  /// From a status.
  init(_ report: StatusReport) {
    for server in report.servers where !server.isRemoved {
      let service = server.parts.service.map(String.init) ?? ""
      let state = server.state.map { "\($0)" } ?? "not checked yet"
      let check =
        server.lastCheck.map { $0.isOutdated ? ", not checked with these settings yet" : " (\($0.result))" } ?? ""
      servers[service, default: []].append("\(server.name) is \(state)\(check)")
      if server.state == .up { up.insert(service) }
      if server.isConfirmed { confirmed.insert(service) }
    }
  }

  /// The services that can't serve, although they could before or are new.
  func missing(after former: ServingServices) -> [String] {
    servers.keys.sorted().filter {
      !confirmed.contains($0) && (former.up.contains($0) || former.servers[$0] == nil)
    }
  }

  /// The same, each with its servers.
  func failures(after former: ServingServices) -> [String] {
    missing(after: former).map { service in
      let states = servers[service, default: []].joined(separator: ", ")
      return "no server of \(service.isEmpty ? "the service" : "service \(service)") is up: \(states)"
    }
  }
}
