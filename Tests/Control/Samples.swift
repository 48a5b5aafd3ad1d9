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
  server.limit = 4000
  server.load = .init(clients: 15, sessions: 12, exchanges: 9, waiting: 2)
  return server
}()

let sampleServerText =
  #"{"name":"view01","address":"192.168.1.165:443","state":"drain","reason":"by order","#
  + #""since":"2026-11-22T11:32:01.123Z","order":{"mode":"drain","weight":5,"since":"2026-11-22T11:32:01.123Z"},"#
  + #""weight":5,"configured_weight":1,"backup":false,"limit":4000,"load":{"clients":15,"sessions":12,"exchanges":9,"waiting":2}}"#

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
  var second = StatusReport.Server(name: "view02", address: "192.168.1.166:443")
  second.state = .down
  second.reason = "connection refused"
  second.since = ago(95)
  report.servers = [sampleServer, second, .init(name: "view03", address: "[fd00::167]:443")]
  return report
}()

let sampleReportText =
  #"{"node":"lb1","version":"0.1.0","pid":4710,"time":"2026-11-22T11:32:01.123Z","#
  + #""since":"2026-11-19T09:32:01.123Z","state":"serving","mode":"http","service":["view.domain.local"],"#
  + #""listeners":["*:443","*:80 (redirect)"],"worker":{"pid":4711,"since":"2026-11-19T09:32:02.123Z"},"#
  + #""generation":{"number":7,"since":"2026-11-22T11:20:01.123Z","threads":4},"#
  + #""traffic":{"connections":1204,"exchanges":311,"requests":1204411},"#
  + #""limits":{"connections":10000,"connections_per_address":null,"queue":1000},"#
  + #""servers":["# + sampleServerText
  + #",{"name":"view02","address":"192.168.1.166:443","state":"down","reason":"connection refused","#
  + #""since":"2026-11-22T11:30:26.123Z","order":null,"weight":1,"configured_weight":1,"backup":false,"limit":0,"load":null},"#
  + #"{"name":"view03","address":"[fd00::167]:443","state":"unknown","reason":"","since":null,"order":null,"weight":1,"#
  + #""configured_weight":1,"backup":false,"limit":0,"load":null}]}"#
