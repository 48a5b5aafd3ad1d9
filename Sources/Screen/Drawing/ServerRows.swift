import Control
import Domain

/// The servers' part of the screen.
extension ScreenSections {
  /// The columns of a server's plot.
  private static let plotWidth = 12

  func servers(_ report: StatusReport) -> [PageLine] {
    guard !report.servers.isEmpty else { return [] }
    let servers = sorted(report.servers)
    func column(
      _ head: String, _ importance: Int, isNumber: Bool = true, least: Int? = nil,
      _ cell: (StatusReport.Server) -> String
    ) -> ScreenTable.Column {
      ScreenTable.Column(head, servers.map(cell), importance: importance, isNumber: isNumber, least: least)
    }
    let table = ScreenTable(
      [
        .init("server", servers.map(Self.name), importance: 0),
        .init("state", servers.map { ($0.$state, StatusText.mood(of: $0.state)) }, importance: 0),
        column("since", 3) { $0.since.map { "\(age(of: $0))" } ?? "" },
        column("reason", 6, isNumber: false, least: 16) { $0.reason },
        column("sessions", 1) { $0.load.map { "\($0.sessions)" } ?? "" },
        column("req/s", 2) { Self.figure(requests(of: $0)) },
        column("response", 4) { response(of: $0).map { "\(Self.figure($0)) ms" } ?? "" },
        column("running", 7) { $0.load.map { "\($0.exchanges)" } ?? "" },
        column("queue", 8) { $0.load.map { "\($0.waiting)" } ?? "" },
        column("connections", 10) { $0.load.map { "\($0.connections)" } ?? "" },
        column("weight", 9) {
          $0.weight == $0.configuredWeight ? "\($0.weight)" : "\($0.weight) of \($0.configuredWeight)"
        },
        column("last check", 11, isNumber: false) { $0.lastCheck.map { "\($0.result), \($0.milliseconds) ms" } ?? "" },
        column("sessions, 1 m", 5) { plots.plot(sessions(of: $0), width: Self.plotWidth) },
      ], width: width)
    return table.lines { index in
      table.shows("reason") ? [] : PageLine(servers[index].reason).wrapped(indent: 4, width: max(30, width))
    }
  }

  private static func name(of server: StatusReport.Server) -> String {
    StatusText.shortened(server.name, 24) + (server.isRemoved ? " (removed)" : "")
  }

  private func requests(of server: StatusReport.Server) -> Double? {
    server.isRemoved ? nil : status.pace.requestsPerSecond(of: server.name)
  }

  private func response(of server: StatusReport.Server) -> Double? {
    server.isRemoved ? nil : status.pace.responseMilliseconds(of: server.name)
  }

  private func sessions(of server: StatusReport.Server) -> [Double?] {
    server.isRemoved ? [] : (status.history.values.servers[server.name] ?? []).map { $0.map(Double.init) }
  }

  /// One decimal below 100, none above; empty for an unknown one.
  private static func figure(_ value: Double?) -> String {
    guard let value, value >= 0, value < 1e15 else { return "" }
    return value < 99.95 ? "\((value * 10).rounded() / 10)" : "\(UInt64(value.rounded()))"
  }

  /// In the chosen order; those that are equal as configured.
  private func sorted(_ servers: [StatusReport.Server]) -> [StatusReport.Server] {
    let keys: [Double] = servers.map { server in
      switch order {
      case .state: Self.rank(of: server.state)
      case .configured: 0
      case .sessions: -Double(server.load?.sessions ?? 0)
      case .requests: -(requests(of: server) ?? 0)
      }
    }
    return servers.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }.map { servers[$0] }
  }

  /// What needs attention comes first.
  private static func rank(of state: ServerState?) -> Double {
    switch state {
    case .down: 0
    case nil: 1
    case .drain, .maintenance: 2
    case .up: 3
    }
  }
}
