import Balancing
import Linux
import Synchronization
import Testing
import Wire

@testable import Worker

@Suite struct `A loop that ends` {
  @Test func `accepts no message after its end, and leaves none unread`() throws {
    let mailbox = try Mailbox()
    #expect(mailbox.post(.serve))
    #expect(!mailbox.close() && !mailbox.isClosed)
    #expect(mailbox.take(atMost: 2).count == 1)
    #expect(mailbox.close() && mailbox.isClosed)
    #expect(!mailbox.post(.serve))
    #expect(mailbox.take(atMost: 2).isEmpty)
  }

  @Test(arguments: [false, true])
  func `reads the messages that arrive during its end`(isStopping: Bool) throws {
    var testLoop = try TestLoop.make()
    if isStopping {
      testLoop.sharedState.post(.stop(deadline: testLoop.now + .minutes(1)))
      testLoop.turn()
    } else {
      testLoop.loop.isRetiring = true
    }
    testLoop.sharedState.post(.makeRoom)
    let mailbox = testLoop.loop.mailbox
    testLoop.loop.run()
    #expect(mailbox.isClosed)
    #expect(mailbox.take(atMost: 1).isEmpty)
  }

  @Test func `subtracts its server connections from the counts, pooled and closing ones`() throws {
    var testLoop = try TestLoop.make()
    let room = testLoop.sharedState.serverConnectionRoom
    for isKept in [true, false] {
      var client = try testLoop.connect()
      client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
      var server = try testLoop.accept()
      _ = try testLoop.receive(&server)
      server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
      _ = try testLoop.receive(&client, until: "ok")
      if isKept { try testLoop.reload(servers: [0]) }
    }
    #expect(testLoop.sharedState.serverConnectionRoom < room)
    testLoop.loop.isRetiring = true
    let sharedState = testLoop.sharedState
    for key in testLoop.loop.clients.keys { testLoop.loop.remove(key) }
    testLoop.loop.run()
    #expect(sharedState.serverConnectionRoom == room)
  }

  @Test func `continues if a reload needs it`() throws {
    var testLoop = try TestLoop.make()
    testLoop.loop.isRetiring = true
    #expect(testLoop.sharedState.mailbox(of: 0).post(.stay))
    testLoop.turn()
    #expect(testLoop.loop.isRetiring == false)
  }

  @Test func `is not waited for by a reload that begins after its end`() throws {
    let testLoop = try TestLoop.make()
    let snapshot = try testLoop.snapshot(of: [0])
    for ended in 0..<8 {
      let answers = Atomic<Int>(0)
      let rollout = SnapshotRollout(snapshot, listeners: [], withdrawn: [], loops: 3) {
        answers.add(1, ordering: .relaxed)
      }
      let mailboxes = try (0..<3).map { _ in try Mailbox() }
      for loop in 0..<3 where ended >> loop & 1 == 1 { #expect(mailboxes[loop].close()) }
      for mailbox in mailboxes { rollout.post(to: mailbox) }
      let owing = mailboxes.filter { !$0.take(atMost: 1).isEmpty }
      // The first loop answers before the last one has the message.
      for _ in owing.dropFirst() { rollout.done() }
      #expect(answers.load(ordering: .relaxed) == 0)
      rollout.done()
      if !owing.isEmpty { rollout.done() }
      #expect(answers.load(ordering: .relaxed) == 1, "ended: \(ended)")
    }
  }

  @Test func `returns a place that was granted to one of its clients too late`() throws {
    let testLoop = try TestLoop.make(serverSettings: ", connections: 1")
    let sharedState = testLoop.sharedState
    sharedState.mailboxes.append(try Mailbox())
    #expect(sharedState.mailbox(of: 1).close())
    let server = testLoop.backend.servers[0]
    let accounts = try (0..<3).map { index in
      try #require(sharedState.connectionBegan(ClientKey(high: 0, low: UInt64(index)), isProxy: false))
    }
    for (account, loop) in zip(accounts, [0, 1, 0]) {
      let key = RequestKey(connection: SlabKey(index: UInt32(loop), generation: 1), number: 1)
      _ = server.admit(WaitingRequest(loop: loop, key: key, account: account))
    }
    #expect(server.occupancy == (1, 2))
    Backend.leave(server, accounts[0], sharedState)
    #expect(server.occupancy == (1, 0))
    guard case .granted(let next, _)? = sharedState.mailbox(of: 0).take(atMost: 1).first else {
      Issue.record("no client was granted the place")
      return
    }
    #expect(next.loop == 0)
  }
}
