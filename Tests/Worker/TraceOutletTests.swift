import Domain
import Synchronization
import TLS
import Testing
import Wire
import WorkerProtocol

@testable import Worker

/// Takes the events that go to the supervisor, while there is room.
private final class Recipient: Sendable {
  private struct State {
    var hasRoom = true
    var events: [(number: UInt32, event: TraceEvent)] = []
  }

  private let state = Mutex(State())

  var hasRoom: Bool {
    get { state.withLock { $0.hasRoom } }
    set { state.withLock { $0.hasRoom = newValue } }
  }

  func take(_ event: WorkerEvent) -> Bool {
    guard case .traced(let event, let number) = event else { return false }
    return state.withLock { state in
      if state.hasRoom { state.events.append((number, event)) }
      return state.hasRoom
    }
  }

  func events(of number: UInt32, _ kind: TraceEvent.Kind) -> [TraceEvent] {
    state.withLock { $0.events.filter { $0.number == number && $0.event.kind == kind }.map(\.event) }
  }
}

private let start = Instant(nanoseconds: 1_000_000_000)
private let noon = WallTime(milliseconds: 7)

private func order(_ number: UInt32, hasSecrets: Bool = false) -> TraceOrder {
  TraceOrder(number: number, subject: .name("view.test"), hasSecrets: hasSecrets, duration: .seconds(60))
}

@Suite struct `What a worker reports of traces` {
  private let recipient = Recipient()
  private let outlet: TraceOutlet

  init() {
    let recipient = recipient
    outlet = TraceOutlet { recipient.take($0) }
    for number in 1...2 { outlet.begin(order(UInt32(number)), loops: 1, at: start) }
  }

  @Test func `a trace that reports too much leaves another all of its own`() {
    for _ in 0..<10_000 { outlet.report(TraceEvent(.closed, at: noon), of: 1, at: start) }
    for _ in 0..<100 { outlet.report(TraceEvent(.closed, at: noon), of: 2, at: start) }
    let count = recipient.events(of: 1, .closed).count
    #expect(count < 10_000 && recipient.events(of: 2, .closed).count == 100)
    _ = outlet.tick(at: start, noon)
    #expect(recipient.events(of: 1, .lost).map { $0.number(.count) } == [UInt64(10_000 - count)])
    #expect(recipient.events(of: 2, .lost).isEmpty)
  }

  @Test func `the number of lost events is kept until it has reached the supervisor`() {
    recipient.hasRoom = false
    for _ in 0..<3 { outlet.report(TraceEvent(.closed, at: noon), of: 1, at: start) }
    _ = outlet.tick(at: start, noon)
    _ = outlet.tick(at: start, noon)
    recipient.hasRoom = true
    // In the same second in which the trace is over.
    let isOver = outlet.tick(at: start + .seconds(60), noon)
    #expect(isOver && recipient.events(of: 1, .lost).map { $0.number(.count) } == [3])
  }

  @Test func `contexts that report secrets are given up two configurations later`() throws {
    outlet.begin(order(3, hasSecrets: true), loops: 1, at: start)
    var traces = LoopTraces(outlet, at: start)
    let original = try ServerContext(
      certificates: [SelfSigned.make(for: ["view.test"])], profile: .intermediate, tickets: nil)
    weak let reporting = try traces.reporting(original, of: 7)
    #expect(reporting != nil)
    traces.adopt(configuration: 8)
    // For handshakes that have begun.
    #expect(reporting != nil)
    traces.adopt(configuration: 9)
    #expect(reporting == nil)
  }
}
