import Balancing
import Domain
import Testing
import Wire

@testable import Exchange

/// Distinct time-outs.
private let timeouts = {
  var timeouts = Timeouts()
  timeouts.httpRequest = .seconds(10)
  timeouts.keepAlive = .seconds(11)
  timeouts.queue = .seconds(61)
  timeouts.connect = .seconds(12)
  timeouts.client = .seconds(62)
  timeouts.server = .seconds(63)
  timeouts.tunnel = .hours(12)
  return timeouts
}()

private let policy = {
  var policy = ExchangePolicy()
  policy.timeouts = timeouts
  return policy
}()

/// A situation, reached one second after the connection was made, without events since.
private enum Waiting: String, CaseIterable {
  case first = "for the first request"
  case next = "for the next request"
  case firstHead = "for the rest of the first head"
  case nextHead = "for the rest of the next head"
  case place = "for a place at a server"
  case connection = "for a connection"
  case lateConnection = "for a connection that is late"
  case responseHead = "for a response"
  case lateResponseHead = "for a response that is late"
  case body = "for the rest of a request"
  case bodyWithBacklog = "for a server to take the request"
  case rest = "for the rest of a response"
  case client = "for a client to take the response"
  case stream = "in a stream"
  case streamWithBacklog = "in a stream whose client takes nothing"
  case endedStream = "for a client to take a stream's end"
  case upgraded = "in a tunnel"
  case tunnel = "in a connection passed through"
  case greeted = "in a connection passed through whose server has spoken first"
  case silentTunnel = "for the first byte of a connection passed through"

  var test: TestExchange {
    var test = TestExchange(policy: policy, number: self == .next || self == .nextHead ? 2 : 1)
    test.pass(.seconds(1))
    switch self {
    case .first, .next: break
    case .firstHead, .nextHead: test.receive("GET /")
    case .place:
      test.receive(request())
      test.tell(.queued(isOther: false))
    case .connection, .lateConnection:
      test.receive(request())
      test.connect()
    case .body, .bodyWithBacklog, .stream, .streamWithBacklog, .endedStream:
      test.receive(request("POST", "Content-Length: 9", body: "hello"))
    case .upgraded: test.receive(upgradeRequest)
    case .tunnel, .greeted, .silentTunnel: test.becomeTunnel()
    case .responseHead, .lateResponseHead, .rest, .client: test.receive(request())
    }
    switch self {
    case .first, .next, .firstHead, .nextHead, .place, .connection: return test
    case .lateConnection: return test.suspecting(by: .hastenChecks)
    default: test.attempt()
    }
    if self != .bodyWithBacklog { test.send() }
    switch self {
    case .lateResponseHead: return test.suspecting(by: .checkServer)
    case .rest, .client: test.respond(response(200, "Content-Length: 9", body: "hello"))
    case .stream, .streamWithBacklog: test.respond(response(200, "Content-Length: 9", body: "hello"))
    case .endedStream: test.respond(response(200, "Content-Length: 5", body: "hello"))
    case .upgraded: test.respond(upgradeResponse)
    case .tunnel: test.exchange.received(1)
    case .greeted: test.exchange.delivered(1, at: test.now)
    default: break
    }
    if self == .rest || self == .stream { test.deliver() }
    return test
  }

  var backlog: Backlog {
    switch self {
    case .bodyWithBacklog: .toServer
    case .client, .streamWithBacklog, .endedStream: .toClient
    default: []
    }
  }

  var deadline: Instant { TestExchange().now + expected.1 }

  /// The time-out that expires, and its time after the connection was made.
  var expected: (Expiry, Interval) {
    switch self {
    case .first: (.idle, .seconds(10))
    case .next: (.idle, .seconds(11))
    case .firstHead: (.requestHead, .seconds(10))
    case .nextHead: (.requestHead, .seconds(1 + 10))
    case .place: (.queue, .seconds(1 + 61))
    case .connection, .responseHead: (.silence, .seconds(1 + 1))
    case .lateConnection: (.connect, .seconds(1 + 12))
    case .lateResponseHead, .rest, .bodyWithBacklog: (.server, .seconds(1 + 63))
    case .body, .client, .endedStream: (.client, .seconds(1 + 62))
    case .silentTunnel: (.tunnel, .seconds(1 + 62))
    case .stream, .streamWithBacklog, .upgraded, .tunnel, .greeted: (.tunnel, .seconds(1 + 12 * 3600))
    }
  }

  /// The key of that time-out.
  var key: TimeoutKey? {
    switch self {
    case .first, .firstHead, .nextHead: .httpRequest
    case .next: .keepAlive
    case .place: .queue
    case .connection, .responseHead: nil
    case .lateConnection: .connect
    case .lateResponseHead, .rest, .bodyWithBacklog: .server
    case .body, .client, .endedStream, .silentTunnel: .client
    case .stream, .streamWithBacklog, .upgraded, .tunnel, .greeted: .tunnel
    }
  }
}

extension TestExchange {
  /// After one second of silence of the server.
  fileprivate func suspecting(by effect: Effect) -> TestExchange {
    var test = self
    test.pass(.seconds(1))
    #expect(test.tell(.timer([])) == Effects(effect))
    return test
  }
}

@Suite struct `Time-outs of an exchange` {
  @Test(arguments: Waiting.allCases)
  private func `each situation expires at its time, and not before`(waiting: Waiting) {
    let exchange = waiting.test.exchange
    let due = waiting.deadline
    let before = Instant(nanoseconds: due.nanoseconds - 1)
    #expect(exchange.expiry(timeouts, backlog: waiting.backlog, at: before) == .later(due))
    #expect(exchange.expiry(timeouts, backlog: waiting.backlog, at: due) == waiting.expected.0)
    #expect(exchange.expiredKey(timeouts, backlog: waiting.backlog, at: before) == nil)
    #expect(exchange.expiredKey(timeouts, backlog: waiting.backlog, at: due) == waiting.key)
  }

  @Test func `what earlier attempts have left of the total is a time-out of its own`() {
    var short = timeouts
    short.connectTotal = .seconds(5)
    let test = Waiting.lateConnection.test
    #expect(test.exchange.expiredKey(short, backlog: [], at: Waiting.lateConnection.deadline) == .connectTotal)
  }

  @Test(arguments: Waiting.allCases)
  private func `a timer for the earliest expiry never fires too late`(waiting: Waiting) {
    var exchange = waiting.test.exchange
    let earliest = exchange.earliestExpiry(timeouts)
    #expect(earliest <= waiting.deadline)
  }

  @Test func `the next server of a request can be suspected again`() {
    var test = Waiting.lateResponseHead.test
    #expect(test.tell(.serverDown(.silent, keeps: false, isLast: false)).contains(.place))
    test.connect()
    test.pass(.seconds(1))
    #expect(test.tell(.timer([])) == Effects(.hastenChecks))
  }

  @Test func `each byte restarts the idle time-out, in both directions`() {
    var test = Waiting.body.test
    test.pass(.seconds(30))
    test.receive("o")
    #expect(test.exchange.lastActivity == test.now)
    test.pass(.seconds(30))
    test.send()
    #expect(test.exchange.lastActivity == test.now)
    test.pass(.seconds(30))
    test.receive("thr")
    test.pass(.seconds(30))
    test.respond("HTTP/1.1 200")
    #expect(test.exchange.lastActivity == test.now)
  }

  @Test func `a head that arrives byte by byte has the same time-out`() {
    var test = Waiting.firstHead.test
    let due = test.exchange.opened + timeouts.httpRequest
    test.pass(.seconds(8))
    test.receive(" HTTP/1.1\r\n")
    #expect(test.exchange.expiry(timeouts, backlog: [], at: due) == .requestHead)
  }
}
