import Simulation
import Testing
import Wire

@testable import Control

private let requests: [(ControlRequest, String)] = [
  (.status, #"{"version":1,"command":"status"}"#),
  (.reload, #"{"version":1,"command":"reload"}"#),
  (.server(name: "view01", .drain), #"{"version":1,"command":"server","name":"view01","action":"drain"}"#),
  (.server(name: "view01", .maintenance), #"{"version":1,"command":"server","name":"view01","action":"maintenance"}"#),
  (.server(name: "view01", .ready), #"{"version":1,"command":"server","name":"view01","action":"ready"}"#),
  (
    .server(name: "view01", .weight(5)),
    #"{"version":1,"command":"server","name":"view01","action":"weight","weight":5}"#
  ),
  (
    .server(name: "view01", .weight(nil)),
    #"{"version":1,"command":"server","name":"view01","action":"weight","weight":null}"#
  ),
]

private let failovers: [(ControlRequest, String)] = [
  (.failover(seconds: 86_400), #"{"version":1,"command":"failover","seconds":86400}"#),
  (.failback, #"{"version":1,"command":"failback"}"#),
]

private let refusals: [(String, ControlFault)] = [
  ("", .malformed(.truncated)), ("[]", .malformed(.unexpected(at: 0))), ("{}", .field("version")),
  (#"{"version":2,"command":"status"}"#, .version(2)), (#"{"version":"1","command":"status"}"#, .field("version")),
  (#"{"version":1}"#, .field("command")), (#"{"version":1,"command":"stop"}"#, .unknown("stop")),
  (#"{"version":1,"command":"reload","force":true}"#, .field("force")),
  (#"{"version":1,"command":"server","action":"drain"}"#, .field("name")),
  (#"{"version":1,"command":"failover"}"#, .field("seconds")),
  (#"{"version":1,"command":"failover","seconds":0}"#, .field("seconds")),
  (#"{"version":1,"command":"failover","seconds":31536001}"#, .field("seconds")),
  (#"{"version":1,"command":"failback","seconds":1}"#, .field("seconds")),
  (#"{"version":1,"command":"server","name":"a"}"#, .field("action")),
  (#"{"version":1,"command":"server","name":"a","action":"kill"}"#, .field("action")),
  (#"{"version":1,"command":"server","name":"a","action":"drain","weight":1}"#, .field("weight")),
  (#"{"version":1,"command":"server","name":"a","action":"weight"}"#, .field("weight")),
  (#"{"version":1,"command":"server","name":"a","action":"weight","weight":257}"#, .field("weight")),
  (#"{"version":1,"command":"server","name":"a","action":"weight","weight":-1}"#, .field("weight")),
  (#"{"version":1,"command":"server","name":"a","action":"weight","weight":1.0}"#, .field("weight")),
]

private func request(_ line: String) throws(ControlFault) -> ControlRequest {
  let bytes = Array(line.utf8)
  return try ControlRequest(parsing: bytes.span)
}

private func answer(_ line: String) throws(ControlFault) -> ControlAnswer {
  let bytes = Array(line.utf8)
  return try ControlAnswer(parsing: bytes.span)
}

private let answers: [(ControlAnswer, String)] = [
  (.reloaded(generation: 7, warnings: ["W"]), #"{"version":1,"ok":true,"generation":7,"warnings":["W"]}"#),
  (.refused(["one\ntwo"]), #"{"version":1,"ok":false,"reasons":["one\ntwo"]}"#),
  (.changed(sampleServer, warnings: []), #"{"version":1,"ok":true,"server":"# + sampleServerText + #","warnings":[]}"#),
  (
    .handedOver([.init(name: "a", outcome: .handedOver, successor: "192.0.2.12"), .init(name: "b", outcome: .back)]),
    #"{"version":1,"ok":true,"handovers":[{"name":"a","outcome":"handed-over","successor":"192.0.2.12"},"#
      + #"{"name":"b","outcome":"back","successor":null}]}"#
  ),
  (.status(sampleReport), #"{"version":1,"ok":true,"status":"# + sampleReportText + "}"),
]

@Suite struct `The control protocol` {
  @Test(arguments: requests + failovers)
  func `a request has one line, read and written alike`(value: ControlRequest, line: String) throws {
    #expect(value.line == line)
    #expect(try request(line) == value)
  }

  @Test(arguments: refusals)
  func `what is no request is refused by name`(line: String, fault: ControlFault) {
    #expect(throws: fault) { try request(line) }
  }

  @Test(arguments: answers)
  func `an answer has one line, read and written alike`(value: ControlAnswer, line: String) throws {
    #expect(value.line == line)
    #expect(try answer(line) == value)
  }

  @Test func `an empty report is read as it was written`() throws {
    let moment = WallTime(milliseconds: 0)
    let report = StatusReport(
      time: moment, since: moment, generation: .init(number: 1, since: moment, threads: 1))
    let value = ControlAnswer.status(report)
    #expect(try answer(value.line) == value)
  }

  @Test func `a member that a reader does not know is skipped in an answer`() throws {
    let line = #"{"version":1,"ok":true,"generation":7,"warnings":[],"later":{"a":[1]}}"#
    #expect(try answer(line) == .reloaded(generation: 7, warnings: []))
  }

  @Test(arguments: [#"{"version":2,"ok":true}"#, #"{"version":1}"#, #"{"version":1,"ok":true}"#, "5", ""])
  func `what is no answer is refused`(line: String) {
    #expect(throws: ControlFault.self) { try answer(line) }
  }

  @Test func `whatever bytes come, a request that is read is written and read alike`() {
    let seed: UInt64 = 20_261_123
    var random = SeededGenerator(seed: seed)
    let seeds = (requests.map(\.1) + answers.map(\.1)).map { Array($0.utf8) }
    for _ in 0..<20_000 {
      var bytes = seeds[Int(random.next() % UInt64(seeds.count))]
      for _ in 0..<random.next() % 4 { mutate(&bytes, &random) }
      if let value = try? ControlRequest(parsing: bytes.span) {
        #expect((try? request(value.line)) == value, "seed \(seed): \(bytes)")
      }
      if let value = try? ControlAnswer(parsing: bytes.span) {
        #expect((try? answer(value.line)) == value, "seed \(seed): \(bytes)")
      }
    }
  }
}
