import Control
import Domain
import Wire

@testable import Screen

let sampleTime = WallTime(milliseconds: 1_795_347_121_123)

func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(1000 + seconds) }

private func ago(_ seconds: UInt64) -> WallTime { sampleTime - .seconds(seconds) }

/// A server of a report that was made so many seconds after the first one.
func server(_ number: UInt64, _ state: ServerState = .up, after seconds: UInt64 = 0) -> StatusReport.Server {
  let address = "192.168.\(1 + number / 200).\(1 + number % 200):443"
  guard let endpoint = try? Endpoint(parsing: address) else { preconditionFailure("no endpoint: \(address)") }
  let digits = "00\(number)".suffix(3)
  var server = StatusReport.Server(ServerIdentity(name: "view\(digits)", endpoint: endpoint))
  server.state = state
  server.reason = state == .down ? "health check failed: connection refused" : ""
  server.since = ago(95 + number)
  server.lastCheck = .init(time: ago(1), result: state == .down ? "connection refused" : "200", milliseconds: 14)
  server.load = .init(
    clients: 20, sessions: state == .down ? 0 : 12 + number % 7 + seconds / 10, exchanges: 9, waiting: 0,
    connections: 11)
  var counts = ServerCounts()
  counts.traffic.requests = 1000 + seconds * (10 + number % 5)
  for _ in 0..<(seconds * 2) { counts.responseTime.add(.milliseconds(8)) }
  server.counts = counts
  return server
}

/// A report that was made so many seconds after the first one.
func sampleReport(servers: [StatusReport.Server], after seconds: UInt64 = 0) -> StatusReport {
  var report = StatusReport(
    time: sampleTime + .seconds(seconds), since: ago(266_400),
    configuration: .init(number: 7, since: ago(720), threads: 4))
  (report.node, report.version, report.state, report.pid) = ("lb1", "0.1.0", .serving, 4710)
  report.service = ["view.domain.local"]
  (report.traffic.connections, report.traffic.exchanges) = (1204 + 60 * seconds, 311)
  report.traffic.accepted = 40_211
  report.traffic.requests = 1_204_411
  report.traffic.rates = .init(connections: 1.5, requests: Double(12 + seconds))
  report.traffic.refused.handshakes = 3
  report.limits.connections = 10_000
  var certificate = ServedCertificate(notAfter: sampleTime + .hours(240))
  (certificate.file, certificate.names) = ("/etc/belvedere/tls/view.pem", ["view.domain.local", "portal.domain.local"])
  report.certificates = [certificate]
  report.problems = [
    .init(time: ago(95), count: 1, text: "server view002 is down, was up: health check failed: connection refused"),
    .init(time: ago(7200), count: 14, text: "accepting pauses"),
  ]
  var router = StatusReport.Router(name: "router-51", interface: "eth0", identifier: 51, since: ago(185))
  (router.state, router.priority, router.configuredPriority) = (.active, 101, 101)
  (router.addresses, router.holdsAddresses) = (["192.168.1.170/24"], true)
  router.peer = .init(address: "192.168.1.163", priority: 100, heard: ago(1))
  report.routers = [router]
  report.servers = servers
  report.pair = samplePair
  return report
}

private let samplePair: StatusReport.Pair = {
  var pair = StatusReport.Pair(node: "lb1")
  for (name, role) in [("lb1", .active), ("lb2", .backup)] as [(String, VirtualRouterRole)] {
    var node = StatusReport.Node(name: name, answers: true, heard: ago(1))
    (node.version, node.sessions, node.connections) = ("0.1.0", 12, 14)
    node.routers = [.init(name: "router-51", state: role, priority: role == .active ? 101 : 100)]
    pair.nodes.append(node)
  }
  pair.differences = [.init(node: "lb2", subject: "server", text: "view002: down here, up on lb2")]
  return pair
}()

/// A screen that has had a report every five seconds for two minutes.
func sampleScreen(servers count: UInt64) -> Screen {
  var screen = Screen()
  for seconds in stride(from: 0 as UInt64, through: 120, by: 5) {
    let servers = (1...count).map { server($0, $0 == 2 ? .down : $0 == 150 ? .drain : .up, after: seconds) }
    screen.update(sampleReport(servers: servers, after: seconds), at: at(seconds))
  }
  return screen
}

extension Screen {
  /// What it shows, without colours.
  mutating func text(_ columns: Int, _ rows: Int, plots: PlotStyle = .blocks, after seconds: UInt64 = 120) -> [String] {
    lines(ScreenSize(columns: columns, rows: rows), plots: plots, at: at(seconds)).map {
      $0.rendered(isColoured: false)
    }
  }

  /// Acts upon the keys of a text, and returns the last effect.
  @discardableResult mutating func type(_ keys: String) -> Effect {
    keys.utf8.reduce(.nothing) { handle(.character($1)) }
  }
}
