import Control
import Domain
import Wire

let sampleTime = WallTime(milliseconds: 1_795_347_121_123)

private func ago(_ seconds: UInt64) -> WallTime { sampleTime - .seconds(seconds) }

private func server(_ name: String, _ endpoint: String) -> StatusReport.Server {
  guard let endpoint = try? Endpoint(parsing: endpoint) else { preconditionFailure("no endpoint: \(endpoint)") }
  return StatusReport.Server(ServerIdentity(name: name, endpoint: endpoint))
}

/// Every counter has another value.
private func counted<Counts: CounterSet>(from first: UInt64) -> Counts { Counts(values: first..<(first + 200)) }

private let counters: StatusReport.Counters = {
  var counters = StatusReport.Counters()
  (counters.handshakes, counters.limits, counters.log) = (counted(from: 1), counted(from: 20), counted(from: 30))
  counters.loops = [counted(from: 40), counted(from: 50)]
  counters.workers = 3
  var service = StatusReport.ServiceCounters(name: "view")
  (service.connections, service.waiting, service.clients, service.clientLimit) = (1, 2, 3, 4)
  service.counts = counted(from: 100)
  counters.services = [service]
  return counters
}()

private let servers: [StatusReport.Server] = {
  var first = server("view/view01", "192.168.1.165:443")
  first.state = .drain
  first.since = ago(60)
  first.weight = 5
  first.limit = 4000
  first.counts = counted(from: 200)
  first.lastCheck = .init(
    time: ago(4), result: "200", milliseconds: 14,
    certificate: .init(fingerprint: "cd34", notAfter: sampleTime + .hours(48), isShown: false))
  first.load = .init(clients: 15, sessions: 12, exchanges: 9, flows: 3, waiting: 2, connections: 11, weightPercent: 38)
  var removed = server("view/view01", "192.168.1.199:443")
  removed.isRemoved = true
  removed.state = .up
  return [first, server("view02", "[fd00::167]:443"), removed]
}()

private let router: StatusReport.Router = {
  var router = StatusReport.Router(name: "router-51", interface: "eth0", identifier: 51, since: ago(185))
  router.state = .backup
  (router.priority, router.configuredPriority) = (1, 101)
  router.priorityReductions = ["servers"]
  router.peer = .init(address: "192.168.1.163", priority: 100, heard: ago(1))
  (router.sent, router.received, router.becameActive, router.becameBackup) = (12, 4711, 1, 2)
  router.rejected = [.init(kind: "checksum", count: 2)]
  return router
}()

private let pair: StatusReport.Pair = {
  var pair = StatusReport.Pair(node: "lb1")
  for (name, answers) in [("lb1", true), ("lb2", true), ("lb3", false)] {
    var node = StatusReport.Node(name: name, answers: answers, heard: ago(1))
    (node.sessions, node.connections, node.clockDifference) = (6, 7, name == "lb1" ? nil : 12)
    node.routers = [.init(name: "router-51", state: .backup, priority: 99)]
    node.services = [.init(name: "view", healthy: 1, servers: 2)]
    pair.nodes.append(node)
  }
  pair.differences = [
    .init(node: "lb2", subject: "server", text: "view01: up here, down on lb2"),
    .init(node: "lb2", subject: "server", text: "view02: up here, down on lb2"),
    .init(node: "lb2", subject: "clock", text: "the clocks differ"),
  ]
  return pair
}()

/// A report that has a sample of every metric.
let sampleReport: StatusReport = {
  var report = StatusReport(
    time: sampleTime, since: ago(266_400), configuration: .init(number: 7, since: ago(720), threads: 4))
  (report.node, report.version, report.state) = ("lb1", "0.1.0", .serving)
  report.worker = .init(pid: 4711, since: ago(266_399))
  report.configuration.inMemory = 2
  (report.traffic.connections, report.traffic.exchanges, report.traffic.flows) = (1204, 311, 7)
  (report.traffic.requests, report.traffic.accepted) = (1_204_411, 40_211)
  report.traffic.datagrams = .init(relayed: 5000, dropped: 3)
  report.traffic.refused = .init(connections: 1, handshakes: 3, requests: 4, unroutable: 2)
  (report.limits.connections, report.limits.queue, report.limits.clients) = (10_000, 1000, 100_000)
  report.limits.flows = 4000
  var certificate = ServedCertificate(notAfter: sampleTime + .hours(240))
  certificate.file = "/etc/belvedere/tls/view.pem"
  certificate.subject = "O=\"Sales\\Trade\"\nCN=view.domain.local"
  certificate.fingerprint = "ab12"
  report.certificates = [certificate, certificate]
  report.authorities = [ClientAuthority.Kind.authority, .revocationList, .revocationList].enumerated().map {
    var authority = ClientAuthority($1)
    (authority.file, authority.subject) = ("/etc/belvedere/tls/clients-\($1.rawValue).pem", "CN=Clients CA")
    authority.end = sampleTime + .hours(UInt64($0))
    return authority
  }
  report.problems = [.init(time: ago(95), count: 1, text: "server view02 is down")]
  report.counters = counters
  report.servers = servers
  report.routers = [router]
  (report.timers.late, report.timers.worst) = (2, 17)
  report.pair = pair
  return report
}()
