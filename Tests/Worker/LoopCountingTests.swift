import Domain
import Linux
import Testing
import Wire
import WorkerProtocol

@testable import Worker

@Suite struct `What a loop counts` {
  @Test func `a turn is late when a timer waited for it for long, also if other work was left`() throws {
    for hasLeftovers in [false, true] {
      var testLoop = try TestLoop.make()
      if hasLeftovers { testLoop.loop.context.leftovers.clients.append(SlabKey(index: 9, generation: 9)) }
      testLoop.loop.context.timers.schedule(TimerKey(.client(9)).rawValue, at: testLoop.now + .milliseconds(10))
      let pause = testLoop.loop.timeout()
      #expect((pause == 0) == hasLeftovers)
      testLoop.pass(.milliseconds(100))
      let counts = testLoop.loop.context.reports.counters.loop
      #expect(counts.lateTurns == 1, "leftovers: \(hasLeftovers)")
    }
  }

  @Test func `an idle connection to a server that makes room for another one is counted, whatever was lacking`() throws
  {
    for isForOthers in [false, true] {
      var testLoop = try TestLoop.make()
      var client = try testLoop.connect()
      client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
      var server = try testLoop.accept()
      _ = try testLoop.receive(&server)
      server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      _ = try testLoop.receive(&client, until: "ok")
      if isForOthers {
        testLoop.loop.context.makeRoomForOthers()
      } else {
        let hasMadeRoom = testLoop.loop.context.makeRoomForConnection()
        #expect(hasMadeRoom)
      }
      let limits = testLoop.loop.context.reports.counters.worker.limits
      #expect(limits.serverConnections == 1, "for others: \(isForOthers)")
    }
  }

  @Test func `counters are sent once they have changed`() throws {
    let testLoop = try TestLoop.make()
    let metrics = LoopFigures.Metrics()
    func figures() -> WorkerFigures {
      WorkerFigures(testLoop.sharedState, testLoop.loop.context.snapshot, [metrics], WorkerCounts())
    }
    func loops(_ events: [WorkerEvent]) -> Int {
      events.count { if case .loopCounts = $0 { true } else { false } }
    }
    let first = figures()
    #expect(loops(first.events(since: nil, isAfterReload: false)) == 1)
    #expect(first.events(since: first, isAfterReload: false) == [.load(first.load)])
    #expect(first.events(since: first, isAfterReload: true).count > 1)
  }
}
