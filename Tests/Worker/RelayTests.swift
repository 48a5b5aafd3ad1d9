import Linux
import Testing
import Wire
import WorkerProtocol

@testable import Worker

@Suite struct `A relayed port` {
  @Test func `refused by a server closes its client, and does not affect the server's health`() throws {
    // Nothing listens on the server's port 1.
    var testLoop = try TestLoop.make(
      servers: 2, settings: "listen: 127.0.0.2\nrelay: { tcp: 1 }\nhealth: { passive: on }\n", isPassthrough: true)
    let relay = try testLoop.listen(as: 1, for: .relay)
    for _ in 0..<20 {
      var client = try testLoop.connect(to: relay)
      #expect(try testLoop.receiveEnd(&client) != nil)
    }
    #expect(testLoop.affinity == [:])
    let backend = testLoop.backend
    let met = backend.servers.indices.map { backend.servers[$0].takeSuspicion() }
    #expect(Set(met) == [.slow, .none])
    #expect(backend.servers.indices.allSatisfy { !backend.isSuspected($0, at: testLoop.now) })
  }
}
