@testable import Control

let sampleTime = Moment(milliseconds: 1_795_347_121_123)

private func ago(_ seconds: UInt64) -> Moment { Moment(milliseconds: sampleTime.milliseconds - seconds * 1000) }

let sampleServer: StatusReport.Server = {
  var server = StatusReport.Server(name: "view01", address: "192.168.1.165:443")
  server.state = .drain
  server.reason = "by order"
  server.since = sampleTime
  server.order = .init(mode: .drain, weight: 5, since: sampleTime)
  server.weight = 5
  server.sessions = 41
  server.connected = 12
  server.exchanges = 3
  server.limit = 4000
  return server
}()

let sampleServerText =
  #"{"name":"view01","address":"192.168.1.165:443","state":"drain","reason":"by order","#
  + #""since":"2026-11-22T11:32:01.123Z","order":{"mode":"drain","weight":5,"since":"2026-11-22T11:32:01.123Z"},"#
  + #""weight":5,"configured_weight":1,"backup":false,"sessions":41,"connected":12,"exchanges":3,"queue":0,"limit":4000}"#

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
  report.generation.alive = [.init(number: 5, connections: 3), .init(number: 7, connections: 1201)]
  report.traffic.connections = 1204
  report.traffic.exchanges = 311
  report.traffic.accepted = 48_113
  report.traffic.requests = 1_204_411
  report.traffic.connectionRate = 3.5
  report.traffic.requestRate = 41
  report.traffic.clients = 1530
  report.limits.connections = 10_000
  report.limits.queue = 1000
  report.certificates = [
    .init(
      names: ["view.domain.local"], fingerprint: String(repeating: "5e", count: 32), notBefore: ago(86_400),
      notAfter: Moment(milliseconds: sampleTime.milliseconds + 88 * 86_400_000), daysLeft: 88)
  ]
  var second = StatusReport.Server(name: "view02", address: "192.168.1.166:443")
  second.state = .down
  second.reason = "connection refused"
  second.since = ago(95)
  report.servers = [sampleServer, second, .init(name: "view03", address: "[fd00::167]:443")]
  report.problems = [
    .init(time: ago(95), level: "warning", source: "worker", message: "server view02 is down, was up")
  ]
  return report
}()

let sampleReportText =
  #"{"node":"lb1","version":"0.1.0","pid":4710,"time":"2026-11-22T11:32:01.123Z","#
  + #""since":"2026-11-19T09:32:01.123Z","state":"serving","mode":"http","service":["view.domain.local"],"#
  + #""listeners":["*:443","*:80 (redirect)"],"worker":{"pid":4711,"since":"2026-11-19T09:32:02.123Z"},"#
  + #""generation":{"number":7,"since":"2026-11-22T11:20:01.123Z","threads":4,"#
  + #""alive":[{"number":5,"connections":3},{"number":7,"connections":1201}]},"#
  + #""traffic":{"connections":1204,"exchanges":311,"accepted":48113,"requests":1204411,"#
  + #""connections_per_second":3.5,"requests_per_second":41.0,"clients":1530},"#
  + #""limits":{"connections":10000,"connections_per_address":null,"queue":1000},"#
  + #""certificates":[{"names":["view.domain.local"],"sha256":""# + String(repeating: "5e", count: 32)
  + #"","not_before":"2026-11-21T11:32:01.123Z","not_after":"2027-02-18T11:32:01.123Z","days_left":88}],"#
  + #""servers":["# + sampleServerText
  + #",{"name":"view02","address":"192.168.1.166:443","state":"down","reason":"connection refused","#
  + #""since":"2026-11-22T11:30:26.123Z","order":null,"weight":1,"configured_weight":1,"backup":false,"sessions":0,"#
  + #""connected":0,"exchanges":0,"queue":0,"limit":0},"#
  + #"{"name":"view03","address":"[fd00::167]:443","state":"unknown","reason":"","since":null,"order":null,"weight":1,"#
  + #""configured_weight":1,"backup":false,"sessions":0,"connected":0,"exchanges":0,"queue":0,"limit":0}],"#
  + #""problems":[{"time":"2026-11-22T11:30:26.123Z","level":"warning","source":"worker","#
  + #""message":"server view02 is down, was up"}]}"#
