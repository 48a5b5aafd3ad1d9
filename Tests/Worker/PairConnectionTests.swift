import Linux
import Pair
import TLS
import Testing
import Wire

@testable import Worker

/// Two ends of a connection between nodes, driven by the test: what one of them may send in the other's time.
struct PairConnectionTests {
  private struct Ends: ~Copyable {
    var near: PairConnection
    var far: PairConnection

    init(at now: Instant) throws {
      let secrets = try PairSecrets(parsing: Array(String(repeating: "0b", count: 32).utf8).span)
      let address = IPAddress(v4: 0x7f00_0001)
      let listener = try Socket.listen(on: Endpoint(address: address, port: 0), sharesPort: false)
      let dialed = try Socket.connect(to: Socket.localEndpoint(of: listener.number))
      let accepted = try Self.accept(from: listener)
      func link(_ own: String, _ other: String) -> PairLink {
        PairLink(
          own: PairHello(name: own, release: "test", incarnation: 1), peer: other, refresh: .minutes(1), at: now)
      }
      let contexts = (near: try PairContext(accepting: secrets), far: try PairContext(offering: secrets, at: 0))
      var near = PairConnection(
        accepted.takeDescriptor(), with: 0, offer: nil, context: contexts.near, link: link("lb1", "lb2"), at: now)
      var far = PairConnection(
        dialed, with: 0, offer: 0, context: contexts.far, link: link("lb2", "lb1"), at: now)
      var opened = 0
      let end = ContinuousClock.now + .seconds(20)
      while opened < 2, ContinuousClock.now < end {
        far.became([.readable, .writable])
        if case .opened = far.proceed(at: now) { opened += 1 }
        near.became([.readable, .writable])
        if case .opened = near.proceed(at: now) { opened += 1 }
      }
      self.near = near
      self.far = far
    }

    private static func accept(from listener: borrowing Descriptor) throws -> Accepted {
      let end = ContinuousClock.now + .seconds(20)
      while ContinuousClock.now < end {
        if let accepted = try Socket.accept(from: listener) { return accepted }
      }
      throw SystemError("accept", code: 11)
    }

    /// What the near end reads at this time, while the far end sends as much as the sockets take: at first until there
    /// are as many bytes, or for a while, and then all that it still takes.
    mutating func read(_ expected: Int, at now: Instant) -> Int {
      var count = 0
      let end = ContinuousClock.now + .seconds(20)
      while count < expected, ContinuousClock.now < end { count += step(at: now) }
      for _ in 0..<50 { count += step(at: now) }
      return count
    }

    private mutating func step(at now: Instant) -> Int {
      _ = far.flush()
      near.became([.readable, .writable])
      guard case .received(let bytes) = near.proceed(at: now) else { return 0 }
      return bytes.count
    }
  }

  @Test func `a node reads at most 64 KB of another in 8 ms, however much that sends`() throws {
    var now = Instant(nanoseconds: 1_000_000_000)
    var ends = try Ends(at: now)
    ends.far.append([UInt8](repeating: 0, count: 1 << 20))
    for _ in 0..<3 {
      now = now + .milliseconds(8)
      #expect(ends.read(65_536, at: now) == 65_536)
      // It continues without an event of the socket.
      #expect(ends.near.deadline == now + .milliseconds(8))
      #expect(ends.read(0, at: now + .milliseconds(7)) == 0)
    }
  }

  @Test func `the vitals of a node are reported four times a second at most, the latest of them`() {
    let now = Instant(nanoseconds: 1_000_000_000)
    var node = UnreportedNode()
    node.vitals = [1]
    #expect(node.takeVitals(at: now) == [1])
    for number in 2...9 {
      node.vitals = [UInt8(number)]
      #expect(node.takeVitals(at: now + .milliseconds(249)) == nil)
    }
    #expect(node.takeVitals(at: now + .milliseconds(250)) == [9])
    #expect(node.takeVitals(at: now + .milliseconds(500)) == nil)
  }
}
