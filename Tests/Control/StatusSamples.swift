import Wire

@testable import Control

let sampleTime = WallTime(milliseconds: 1_795_347_121_123)

private func ago(_ seconds: UInt64) -> WallTime { WallTime(milliseconds: sampleTime.milliseconds - seconds * 1000) }

let sampleServer: StatusReport.Server = {
  var server = StatusReport.Server(name: "view01", address: "192.168.1.165:443")
  server.state = .drain
  server.reason = "administratively"
  server.since = sampleTime
  server.adminState = .init(mode: .drain, weight: 5, since: sampleTime)
  server.weight = 5
  server.limit = 4000
  server.load = .init(clients: 15, sessions: 12, exchanges: 9, waiting: 2, connections: 11)
  return server
}()

let sampleServerText =
  #"{"name":"view01","address":"192.168.1.165:443","removed":false,"state":"drain","reason":"administratively","#
  + #""since":"2026-11-22T11:32:01.123Z","admin_state":{"mode":"drain","weight":5,"since":"2026-11-22T11:32:01.123Z"},"#
  + #""weight":5,"configured_weight":1,"backup":false,"limit":4000,"load":{"clients":15,"sessions":12,"exchanges":9,"waiting":2,"connections":11}}"#

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
  #"{"name":"router-51","interface":"eth0","router":51,"version":3,"state":"backup","#
  + #""since":"2026-11-22T11:28:56.123Z","priority":1,"configured_priority":101,"priority_reductions":["servers"],"faults":[],"#
  + #""addresses":["192.168.1.170/24"],"holds_addresses":false,"lease":3,"#
  + #""peer":{"address":"192.168.1.163","priority":100,"heard":"2026-11-22T11:32:00.123Z"},"duplicate_active":null,"#
  + #""sent":12,"received":4711,"rejected":[{"kind":"checksum","count":2}],"#
  + #""became_active":1,"became_backup":2,"became_fault":0}"#

/// A service with something in every part.
let sampleReport: StatusReport = {
  var report = StatusReport(
    time: sampleTime, since: ago(266_400), generation: .init(number: 7, since: ago(720), threads: 4))
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
  report.limits.connections = 10_000
  report.limits.queue = 1000
  report.limits.clients = 100_000
  report.generation.alive = 2
  report.traffic.accepted = 40_211
  report.traffic.rates = .init(connections: 1.5, requests: 12)
  report.traffic.refused.handshakes = 3
  report.traffic.refused.unroutable = 2
  var certificate = StatusReport.Certificate(notAfter: WallTime(milliseconds: sampleTime.milliseconds + 864_000_000))
  certificate.file = "/etc/belvedere/tls/view.pem"
  certificate.subject = "CN=view.domain.local"
  certificate.names = ["view.domain.local", "portal.domain.local"]
  certificate.serial = "03A1"
  certificate.fingerprint = "ab12"
  report.certificates = [certificate]
  report.problems = [
    .init(time: ago(95), count: 1, text: "server view02 is down, was up: health check failed: connection refused"),
    .init(time: ago(7200), count: 14, text: "accepting pauses"),
  ]
  var second = StatusReport.Server(name: "view02", address: "192.168.1.166:443")
  second.state = .down
  second.reason = "connection refused"
  second.since = ago(95)
  report.routers = [sampleRouter]
  report.timers.late = 2
  report.timers.worst = 17
  report.servers = [sampleServer, second, .init(name: "view03", address: "[fd00::167]:443")]
  return report
}()

let sampleReportText =
  #"{"node":"lb1","version":"0.1.0","pid":4710,"time":"2026-11-22T11:32:01.123Z","#
  + #""since":"2026-11-19T09:32:01.123Z","state":"serving","mode":"http","service":["view.domain.local"],"#
  + #""listeners":["*:443","*:80 (redirect)"],"worker":{"pid":4711,"since":"2026-11-19T09:32:02.123Z"},"#
  + #""generation":{"number":7,"since":"2026-11-22T11:20:01.123Z","threads":4,"alive":2},"#
  + #""traffic":{"connections":1204,"exchanges":311,"requests":1204411,"accepted":40211,"#
  + #""per_second":{"connections":1.5,"requests":12.0},"#
  + #""refused":{"connections":0,"handshakes":3,"requests":0,"unroutable":2}},"#
  + #""limits":{"connections":10000,"connections_per_address":null,"queue":1000,"clients":100000},"#
  + #""certificates":[{"file":"/etc/belvedere/tls/view.pem","subject":"CN=view.domain.local","#
  + #""names":["view.domain.local","portal.domain.local"],"serial":"03A1","fingerprint":"ab12","#
  + #""not_after":"2026-12-02T11:32:01.123Z"}],"#
  + #""servers":["# + sampleServerText
  + #",{"name":"view02","address":"192.168.1.166:443","removed":false,"state":"down","reason":"connection refused","#
  + #""since":"2026-11-22T11:30:26.123Z","admin_state":null,"weight":1,"configured_weight":1,"backup":false,"limit":0,"load":null},"#
  + #"{"name":"view03","address":"[fd00::167]:443","removed":false,"state":"unknown","reason":"","since":null,"admin_state":null,"weight":1,"#
  + #""configured_weight":1,"backup":false,"limit":0,"load":null}],"routers":["# + sampleRouterText
  + #"],"timers":{"late":2,"worst_ms":17},"#
  + #""problems":[{"time":"2026-11-22T11:30:26.123Z","count":1,"#
  + #""text":"server view02 is down, was up: health check failed: connection refused"},"#
  + #"{"time":"2026-11-22T09:32:01.123Z","count":14,"text":"accepting pauses"}]}"#
