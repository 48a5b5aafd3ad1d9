import Domain
import Wire

@testable import Control

let sampleTime = WallTime(milliseconds: 1_795_347_121_123)

private func ago(_ seconds: UInt64) -> WallTime { WallTime(milliseconds: sampleTime.milliseconds - seconds * 1000) }

private func place(_ name: String, _ endpoint: String) -> ServerIdentity {
  guard let endpoint = try? Endpoint(parsing: endpoint) else { preconditionFailure("no endpoint: \(endpoint)") }
  return ServerIdentity(name: name, endpoint: endpoint)
}

let sampleServer: StatusReport.Server = {
  var server = StatusReport.Server(place("view01", "192.168.1.165:443"))
  server.state = .drain
  server.reason = "administratively"
  server.since = sampleTime
  server.adminState = .init(mode: .drain, weight: 5, since: sampleTime)
  server.weight = 5
  server.names = ["view01.domain.local"]
  server.ports = [5001]
  server.limit = 4000
  server.lastCheck = .init(
    time: ago(4), result: "200", milliseconds: 14,
    certificate: .init(fingerprint: "cd34", notAfter: sampleTime + .hours(40 * 24), isShown: false))
  server.load = .init(clients: 15, sessions: 12, exchanges: 9, flows: 3, waiting: 2, connections: 11, weightPercent: 38)
  return server
}()

let sampleServerText =
  #"{"address":"192.168.1.165:443","admin_state":{"mode":"drain","since":"2026-11-22T11:32:01.123Z","#
  + #""weight":5},"backup":false,"configured_weight":1,"counts":null,"last_check":{"certificate":{"fingerprint":"cd34","#
  + #""not_after":"2027-01-01T11:32:01.123Z","shown":false},"count":0,"milliseconds":14,"needed":0,"#
  + #""result":"200","time":"2026-11-22T11:31:57.123Z"},"limit":4000,"load":{"clients":15,"connections":11,"#
  + #""exchanges":9,"flows":3,"sessions":12,"waiting":2,"weight_percent":38},"name":"view01","#
  + #""names":["view01.domain.local"],"ports":[5001],"#
  + #""reason":"administratively","removed":false,"#
  + #""since":"2026-11-22T11:32:01.123Z","state":"drain","weight":5}"#

let sampleRouter: StatusReport.Router = {
  var router = StatusReport.Router(name: "router-51", interface: "eth0", identifier: 51, since: ago(185))
  router.state = .backup
  router.priority = 1
  router.configuredPriority = 101
  router.priorityReductions = ["servers"]
  router.addresses = ["192.168.1.170/24"]
  router.lease = 3
  router.peer = .init(address: "192.168.1.163", priority: 100, heard: ago(1))
  router.sent = 12
  router.received = 4711
  router.rejected = [.init(kind: "checksum", count: 2)]
  router.becameActive = 1
  router.becameBackup = 2
  return router
}()

let sampleRouterText =
  #"{"addresses":["192.168.1.170/24"],"became_active":1,"became_backup":2,"became_fault":0,"#
  + #""configured_priority":101,"duplicate_active":null,"faults":[],"holds_addresses":false,"#
  + #""interface":"eth0","lease":3,"name":"router-51","peer":{"address":"192.168.1.163","#
  + #""heard":"2026-11-22T11:32:00.123Z","priority":100},"priority":1,"priority_reductions":["servers"],"#
  + #""received":4711,"rejected":[{"count":2,"kind":"checksum"}],"router":51,"sent":12,"#
  + #""since":"2026-11-22T11:28:56.123Z","state":"backup","unheard_peer":null,"version":3}"#

/// A report with every member.
let sampleReport: StatusReport = {
  var report = StatusReport(
    time: sampleTime, since: ago(266_400), configuration: .init(number: 7, since: ago(720), threads: 4))
  report.node = "lb1"
  report.version = "0.1.0"
  report.pid = 4710
  report.state = .serving
  report.mode = "http"
  report.service = ["view.domain.local"]
  report.listeners = ["*:443", "*:80 (redirect)"]
  report.worker = .init(pid: 4711, since: ago(266_399))
  report.traffic.connections = 1204
  report.traffic.exchanges = 311
  report.traffic.requests = 1_204_411
  report.counters.handshakes.full = 40
  report.counters.handshakes.resumed = 2
  report.counters.loops = [LoopCounts(values: [9, 1])]
  report.counters.workers = 1
  report.limits.connections = 10_000
  report.limits.queue = 1000
  report.limits.clients = 100_000
  report.configuration.inMemory = 2
  report.traffic.accepted = 40_211
  report.traffic.rates = .init(connections: 1.5, requests: 12)
  report.traffic.flows = 7
  report.traffic.datagrams = .init(relayed: 5000, dropped: 3)
  report.limits.flows = 4000
  report.traces = [
    .init(subject: "192.0.2.7", requester: "pid 4720, uid 0", secondsLeft: 42, hasSecrets: true)
  ]
  report.traffic.refused.handshakes = 3
  report.traffic.refused.unroutable = 2
  var certificate = ServedCertificate(notAfter: WallTime(milliseconds: sampleTime.milliseconds + 864_000_000))
  certificate.file = "/etc/belvedere/tls/view.pem"
  certificate.subject = "CN=view.domain.local"
  certificate.names = ["view.domain.local", "portal.domain.local"]
  certificate.serial = "03A1"
  certificate.fingerprint = "ab12"
  report.certificates = [certificate]
  var authority = ClientAuthority(.authority)
  (authority.file, authority.subject) = ("/etc/belvedere/tls/clients-ca.pem", "CN=Clients CA")
  (authority.isRequired, authority.end) = (true, certificate.notAfter)
  var list = ClientAuthority(.revocationList)
  (list.file, list.subject, list.isRequired) = ("/etc/belvedere/tls/clients-crl.pem", "CN=Clients CA", true)
  report.authorities = [authority, list]
  report.problems = [
    .init(time: ago(95), count: 1, text: "server view02 is down, was up: health check failed: connection refused"),
    .init(time: ago(7200), count: 14, text: "accepting pauses"),
  ]
  var second = StatusReport.Server(place("view02", "192.168.1.166:443"))
  second.state = .down
  second.reason = "connection refused"
  second.since = ago(95)
  second.lastCheck = .init(time: ago(2), result: "200", milliseconds: 14, count: 1, needed: 2)
  report.routers = [sampleRouter]
  report.timers.late = 2
  report.timers.worst = 17
  report.servers = [sampleServer, second, .init(place("view03", "[fd00::167]:443"))]
  return report
}()

/// The nodes of a pair, the second one with less to offer.
let samplePair: StatusReport.Pair = {
  var pair = StatusReport.Pair(node: "lb1")
  for (name, healthy) in [("lb1", 2), ("lb2", 1)] as [(String, UInt64)] {
    var node = StatusReport.Node(name: name, answers: true, heard: ago(1))
    (node.version, node.since, node.clockDifference) = ("0.1.0", ago(266_400), 12)
    (node.sessions, node.connections) = (healthy * 6, healthy * 7)
    node.routers = [.init(name: "router-51", state: healthy == 2 ? .active : .backup, priority: 99 + healthy)]
    node.services = [.init(name: "", healthy: UInt16(healthy), servers: 2)]
    node.servers = [.init(name: "view01", state: .up), .init(name: "view02", state: healthy == 2 ? .up : .down)]
    if let fingerprint = Fingerprint(bytes: Array(repeating: 0xab, count: 32)) {
      node.findings = [.init("configuration", isFault: false, "line 3")]
      node.certificates = [.init(service: "", fingerprint: fingerprint, notAfter: ago(0))]
    }
    pair.nodes.append(node)
  }
  pair.differences = [.init(node: "lb2", subject: "server", text: "view02: up here, down on lb2")]
  return pair
}()

let sampleReportText =
  #"{"authorities":[{"file":"/etc/belvedere/tls/clients-ca.pem","kind":"authority","not_after":"2026-12-02T11:32:01.123Z","#
  + #""required":true,"service":"","subject":"CN=Clients CA"},{"file":"/etc/belvedere/tls/clients-crl.pem","#
  + #""kind":"revocation_list","not_after":null,"required":true,"service":"","subject":"CN=Clients CA"}],"#
  + #""certificates":[{"file":"/etc/belvedere/tls/view.pem","fingerprint":"ab12","#
  + #""names":["view.domain.local","portal.domain.local"],"not_after":"2026-12-02T11:32:01.123Z","#
  + #""serial":"03A1","subject":"CN=view.domain.local"}],"configuration":{"in_memory":2,"number":7,"#
  + #""since":"2026-11-22T11:20:01.123Z","threads":4},"counters":{"handshakes":{"failures":{"alert":0,"#
  + #""bad_client_certificate":0,"certificate":0,"closed":0,"invalid":0,"local":0,"name":0,"no_client_certificate":0,"#
  + #""not_tls":0,"parameters":0,"timeout":0},"full":40,"resumed":2},"limits":{"#
  + #""accept_pauses":0,"connection_rate":0,"connections":0,"connections_per_address":0,"handshake_rate":0,"queue":0,"#
  + #""request_rate":0,"server_connections":0,"tls_messages":0},"#
  + #""log":{"dropped":0,"suppressed":0},"loops":[{"late_turns":1,"turns":9}],"pair":{"bytes_in":0,"bytes_out":0},"#
  + #""services":[],"workers":1},"#
  + #""limits":{"clients":100000,"connections":10000,"#
  + #""connections_per_address":null,"flows":4000,"queue":1000,"rates":null},"listeners":["*:443","*:80 (redirect)"],"maintenance":[],"mode":"http","#
  + #""node":"lb1","pair":null,"pid":4710,"problems":[{"count":1,"text":"server view02 is down,"#
  + #" was up: health check failed: connection refused","time":"2026-11-22T11:30:26.123Z"},{"count":14,"#
  + #""text":"accepting pauses","time":"2026-11-22T09:32:01.123Z"}],"routers":["#
  + sampleRouterText
  + #"],"servers":["#
  + sampleServerText
  + #",{"address":"192.168.1.166:443","admin_state":null,"backup":false,"configured_weight":1,"counts":null,"#
  + #""last_check":{"count":1,"milliseconds":14,"needed":2,"result":"200","time":"2026-11-22T11:31:59.123Z"},"#
  + #""limit":0,"load":null,"name":"view02","names":[],"ports":[],"reason":"connection refused","removed":false,"#
  + #""since":"2026-11-22T11:30:26.123Z","state":"down","weight":1},{"address":"[fd00::167]:443","#
  + #""admin_state":null,"backup":false,"configured_weight":1,"counts":null,"last_check":null,"limit":0,"load":null,"#
  + #""name":"view03","#
  + #""names":[],"ports":[],"reason":"","removed":false,"since":null,"state":"unknown","weight":1}],"#
  + #""service":["view.domain.local"],"services":[],"#
  + #""since":"2026-11-19T09:32:01.123Z","state":"serving","time":"2026-11-22T11:32:01.123Z","#
  + #""timers":{"late":2,"worst_ms":17},"traces":[{"requester":"pid 4720, uid 0","seconds_left":42,"secrets":true,"#
  + #""subject":"192.0.2.7"}],"traffic":{"accepted":40211,"connections":1204,"datagrams":{"dropped":3,"#
  + #""relayed":5000},"exchanges":311,"flows":7,"#
  + #""per_second":{"connections":1.5,"requests":12},"refused":{"connections":0,"handshakes":3,"requests":0,"#
  + #""unroutable":2},"requests":1204411},"version":"0.1.0","worker":{"pid":4711,"#
  + #""since":"2026-11-19T09:32:02.123Z"}}"#
