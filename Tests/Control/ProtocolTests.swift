import Simulation
import Domain
import Testing
import Wire

@testable import Control

private let requests: [(ControlRequest, String)] = [
  (.status, #"{"command":"status","version":1}"#),
  (.reload, #"{"command":"reload","version":1}"#),
  (.server(name: "view01", .drain), #"{"action":"drain","command":"server","name":"view01","version":1}"#),
  (.server(name: "view01", .maintenance), #"{"action":"maintenance","command":"server","name":"view01","version":1}"#),
  (.server(name: "view01", .ready), #"{"action":"ready","command":"server","name":"view01","version":1}"#),
  (
    .server(name: "view01", .weight(5)),
    #"{"action":"weight","command":"server","name":"view01","version":1,"weight":5}"#
  ),
  (
    .server(name: "view01", .weight(nil)),
    #"{"action":"weight","command":"server","name":"view01","version":1,"weight":null}"#
  ),
]

private let failovers: [(ControlRequest, String)] = [
  (.failover(seconds: 86_400), #"{"command":"failover","seconds":86400,"version":1}"#),
  (.maintenance(service: nil, isOn: true), #"{"action":"on","command":"maintenance","version":1}"#),
  (
    .maintenance(service: "cards", isOn: false),
    #"{"action":"off","command":"maintenance","service":"cards","version":1}"#
  ),
  (.failback, #"{"command":"failback","version":1}"#),
  (
    .wait(for: .serving(service: "cards"), seconds: 10),
    #"{"command":"wait","seconds":10,"service":"cards","version":1}"#
  ),
  (.wait(for: .report(node: "lb2"), seconds: 60), #"{"command":"wait","node":"lb2","seconds":60,"version":1}"#),
  (.stream(node: "lb2"), #"{"command":"apply-stream","node":"lb2","version":1}"#),
  (
    .trace(.cookie("5F2C"), seconds: 600, hasSecrets: false),
    #"{"command":"trace","cookie":"5F2C","seconds":600,"secrets":false,"version":1}"#
  ),
  (
    .trace(.name("view.test"), seconds: 1, hasSecrets: true),
    #"{"command":"trace","name":"view.test","seconds":1,"secrets":true,"version":1}"#
  ),
]

private let refusals: [(String, ControlFault)] = [
  ("", .malformed), ("[]", .malformed), ("{}", .field("version")),
  (#"{"version":2,"command":"status"}"#, .version(2)), (#"{"version":"1","command":"status"}"#, .field("version")),
  (#"{"version":1}"#, .field("command")), (#"{"version":1,"command":"stop"}"#, .unknown("stop")),
  (#"{"version":1,"command":"reload","force":true}"#, .field("force")),
  (#"{"version":1,"command":"server","action":"drain"}"#, .field("name")),
  (#"{"version":1,"command":"failover"}"#, .field("seconds")),
  (#"{"version":1,"command":"maintenance"}"#, .field("action")),
  (#"{"version":1,"command":"maintenance","action":"drain"}"#, .field("action")),
  (#"{"version":1,"command":"maintenance","action":"on","name":"cards"}"#, .field("name")),
  (#"{"version":1,"command":"failover","seconds":0}"#, .field("seconds")),
  (#"{"version":1,"command":"failover","seconds":31536001}"#, .field("seconds")),
  (#"{"version":1,"command":"failback","seconds":1}"#, .field("seconds")),
  (#"{"version":1,"command":"apply-stream"}"#, .field("node")),
  (#"{"version":1,"command":"trace","seconds":1,"secrets":false}"#, .field("address")),
  (#"{"version":1,"command":"trace","address":"192.0.2.1/8","seconds":1,"secrets":false}"#, .field("address")),
  (#"{"version":1,"command":"trace","name":"a b","seconds":1,"secrets":false}"#, .field("name")),
  (#"{"version":1,"command":"trace","name":"a.b","seconds":601,"secrets":false}"#, .field("seconds")),
  (#"{"version":1,"command":"trace","name":"a.b","cookie":"c","seconds":1,"secrets":false}"#, .field("name")),
  (#"{"version":1,"command":"trace","name":"a.b","seconds":1}"#, .field("secrets")),
  (#"{"version":1,"command":"wait","seconds":1}"#, .field("service")),
  (#"{"version":1,"command":"wait","node":"lb2","seconds":61}"#, .field("seconds")),
  (#"{"version":1,"command":"wait","node":"lb2","service":"","seconds":1}"#, .field("service")),
  (#"{"version":1,"command":"server","name":"a"}"#, .field("action")),
  (#"{"version":1,"command":"server","name":"a","action":"kill"}"#, .field("action")),
  (#"{"version":1,"command":"server","name":"a","action":"drain","weight":1}"#, .field("weight")),
  (#"{"version":1,"command":"server","name":"a","action":"weight"}"#, .field("weight")),
  (#"{"version":1,"command":"server","name":"a","action":"weight","weight":257}"#, .field("weight")),
  (#"{"version":1,"command":"server","name":"a","action":"weight","weight":-1}"#, .field("weight")),
  (#"{"version":1,"command":"server","name":"a","action":"weight","weight":1.5}"#, .malformed),
  (#"{"version":1,"command":"failover","seconds":1e999}"#, .malformed),
  (#"{"version":1,"command":"failover","seconds":18446744073709551616}"#, .malformed),
]

private func request(_ line: String) throws(ControlFault) -> ControlRequest {
  try ControlRequest(parsing: Array(line.utf8))
}

private func answer(_ line: String) throws(ControlFault) -> ControlAnswer {
  try ControlAnswer(parsing: Array(line.utf8))
}

private let answers: [(ControlAnswer, String)] = [
  (.reloaded(configuration: 7, warnings: ["W"]), #"{"configuration":7,"ok":true,"version":1,"warnings":["W"]}"#),
  (
    .maintained(service: "cards", isOn: true, warnings: ["W"]),
    #"{"maintenance":true,"ok":true,"service":"cards","version":1,"warnings":["W"]}"#
  ),
  (.opened(node: "lb2"), #"{"node":"lb2","ok":true,"version":1}"#),
  (.refused(["one\ntwo"]), #"{"ok":false,"reasons":["one\ntwo"],"version":1}"#),
  (.changed(sampleServer, warnings: []), #"{"ok":true,"server":"# + sampleServerText + #","version":1,"warnings":[]}"#),
  (
    .handedOver([.init(name: "a", outcome: .handedOver, successor: "192.0.2.12"), .init(name: "b", outcome: .back)]),
    #"{"handovers":[{"name":"a","outcome":"handed-over","successor":"192.0.2.12"},"#
      + #"{"name":"b","outcome":"back","successor":null}],"ok":true,"version":1}"#
  ),
  (.status(sampleReport), #"{"ok":true,"status":"# + sampleReportText + #","version":1}"#),
]

@Suite struct `The control protocol` {
  @Test(arguments: requests + failovers)
  func `a request has one encoding, and is decoded from it`(value: ControlRequest, line: String) throws {
    #expect(value.line == line)
    #expect(try request(line) == value)
  }

  @Test(arguments: refusals)
  func `an invalid request is refused with the reason`(line: String, fault: ControlFault) {
    #expect(throws: fault) { try request(line) }
  }

  @Test(arguments: answers)
  func `an answer has one encoding, and is decoded from it`(value: ControlAnswer, line: String) throws {
    #expect(value.line == line)
    #expect(try answer(line) == value)
  }

  @Test func `an answer with an infinite number is refused`() {
    let line = #"{"ok":true,"status":"# + sampleReportText.replacing("1.5", with: "1e999") + #","version":1}"#
    #expect(throws: ControlFault.malformed) { try answer(line) }
  }

  @Test func `an answer with an impossible server state is refused`() {
    let server = sampleServerText.replacing(#""state":"drain""#, with: #""state":"drained""#)
    let line = #"{"ok":true,"server":"# + server + #","version":1,"warnings":[]}"#
    #expect(throws: ControlFault.field("state")) { try answer(line) }
  }

  @Test func `an empty report is decoded as it was encoded`() throws {
    let moment = WallTime(milliseconds: 0)
    let report = StatusReport(
      time: moment, since: moment, configuration: .init(number: 1, since: moment, threads: 1))
    let value = ControlAnswer.status(report)
    #expect(try answer(value.line) == value)
  }

  @Test func `an unknown member of an answer is ignored`() throws {
    let line = #"{"version":1,"ok":true,"configuration":7,"warnings":[],"later":{"a":[1]}}"#
    #expect(try answer(line) == .reloaded(configuration: 7, warnings: []))
  }

  @Test(arguments: [#"{"version":2,"ok":true}"#, #"{"version":1}"#, #"{"version":1,"ok":true}"#, "5", ""])
  func `an invalid answer is refused`(line: String) {
    #expect(throws: ControlFault.self) { try answer(line) }
  }

  @Test func `a request decoded from arbitrary bytes is decoded again from its encoding`() {
    let seed: UInt64 = 20_261_123
    var random = SeededGenerator(seed: seed)
    let seeds = (requests.map(\.1) + answers.map(\.1)).map { Array($0.utf8) }
    for _ in 0..<20_000 {
      var bytes = seeds[Int(random.next() % UInt64(seeds.count))]
      for _ in 0..<random.next() % 4 { mutate(&bytes, &random) }
      if let value = try? ControlRequest(parsing: bytes) {
        #expect((try? request(value.line)) == value, "seed \(seed): \(bytes)")
      }
      if let value = try? ControlAnswer(parsing: bytes) {
        #expect((try? answer(value.line)) == value, "seed \(seed): \(bytes)")
      }
    }
  }
}
