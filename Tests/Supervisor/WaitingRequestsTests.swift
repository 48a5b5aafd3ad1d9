import Control
import Testing
import Wire

@testable import Supervisor

private let start = Instant(nanoseconds: 0)
private let serving = ControlRequest.Condition.serving(service: "cards")
private let report = ControlRequest.Condition.report(node: "lb2")

@Suite struct `Requests that wait for a condition` {
  @Test func `each is answered once, when its condition holds`() {
    var waiting = WaitingRequests()
    waiting.add(.named("A"), for: serving, seconds: 10, at: start)
    waiting.add(.named("B"), for: report, seconds: 10, at: start)
    #expect(waiting.take(at: start) { _, _ in false }.isEmpty)
    #expect(waiting.take(at: start) { condition, _ in condition == report }.names == "B")
    #expect(waiting.take(at: start) { condition, _ in condition == report }.isEmpty)
    #expect(waiting.take(at: start) { _, _ in true }.names == "A")
    #expect(waiting.isEmpty && waiting.deadline == nil)
  }

  @Test func `each is answered at its deadline, whatever holds`() {
    var waiting = WaitingRequests()
    waiting.add(.named("A"), for: serving, seconds: 10, at: start)
    waiting.add(.named("B"), for: serving, seconds: 5, at: start + .seconds(1))
    #expect(waiting.deadline == start + .seconds(6))
    #expect(waiting.take(at: start + .seconds(6)) { _, _ in false }.names == "B")
    #expect(waiting.deadline == start + .seconds(10))
    #expect(waiting.take(at: start + .seconds(10)) { _, _ in false }.names == "A")
  }

  @Test func `half of the connections are left for other requests`() {
    var waiting = WaitingRequests()
    for number in 0..<OperatorSocket.connectionLimit / 2 {
      #expect(waiting.hasRoom, "\(number)")
      waiting.add(.named("A"), at: start)
      waiting.add(.named("B"), for: serving, seconds: 10, at: start)
    }
    #expect(!waiting.hasRoom)
    _ = waiting.take(at: start + .seconds(10)) { _, _ in false }
    #expect(waiting.hasRoom)
  }

  @Test func `requests for the status are answered together, at once`() {
    var waiting = WaitingRequests()
    waiting.add(.named("A"), at: start)
    waiting.add(.named("B"), for: serving, seconds: 10, at: start)
    waiting.add(.named("C"), at: start)
    #expect(waiting.take(at: start) { _, _ in false }.names == "AC")
    #expect(waiting.take(at: start) { _, _ in true }.names == "B")
  }

  @Test func `a request whose client has left is not answered`() {
    var waiting = WaitingRequests()
    for name in ["A", "B"] as [Character] { waiting.add(.named(name), for: serving, seconds: 10, at: start) }
    waiting.remove(.named("A"))
    #expect(!waiting.contains(.named("A")) && waiting.contains(.named("B")))
    #expect(waiting.take(at: start) { _, _ in true }.names == "B")
  }

  @Test func `a condition may depend on when the wait for it began`() {
    var waiting = WaitingRequests()
    waiting.add(.named("A"), for: report, seconds: 10, at: start)
    waiting.add(.named("B"), for: report, seconds: 10, at: start + .seconds(2))
    #expect(waiting.take(at: start + .seconds(3)) { _, began in began < start + .seconds(1) }.names == "A")
  }
}
