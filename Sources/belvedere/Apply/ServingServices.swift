import Control
import Domain

/// Which services of a running node can serve.
struct ServingServices {
  /// The states of the servers that are in the configuration, by service.
  private var servers: [String: [String]] = [:]
  /// Those with a server that is up.
  private var up: Set<String> = []
  /// Those with a server that is up, as its last check says: a new one may be taken for up before its first check.
  private var confirmed: Set<String> = []

  /// None.
  init() {}

  /// From a status.
  init(_ report: StatusReport) {
    for server in report.servers where !server.isRemoved {
      let service = server.parts.service.map(String.init) ?? ""
      let state = server.state.map { "\($0)" } ?? "not checked yet"
      let check = server.lastCheck.map { " (\($0.result))" } ?? ""
      servers[service, default: []].append("\(server.name) is \(state)\(check)")
      guard server.state == .up else { continue }
      up.insert(service)
      if server.lastCheck?.count == 0 { confirmed.insert(service) }
    }
  }

  /// The services that can't serve, although they could before or are new, each with its servers.
  func failures(after former: ServingServices) -> [String] {
    servers.keys.sorted().compactMap { service in
      guard !confirmed.contains(service), former.up.contains(service) || former.servers[service] == nil else {
        return nil
      }
      let states = servers[service, default: []].joined(separator: ", ")
      return "no server of \(service.isEmpty ? "the service" : "service \(service)") is up: \(states)"
    }
  }
}
