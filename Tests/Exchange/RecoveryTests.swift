import Domain
import HTTP1
import Testing
import Wire

@testable import Exchange

/// A situation of an exchange in which its server may fail.
private enum Situation: String, CaseIterable {
  case connecting = "GET, connecting"
  case connectingUpload = "POST, connecting"
  case freshUnsent = "POST, fresh, nothing left"
  case freshGet = "GET, fresh, sent"
  case freshPost = "POST, fresh, sent"
  case reusedUnsent = "POST, reused, nothing left"
  case reusedGet = "GET, reused, sent"
  case reusedPost = "POST, reused, sent"
  case forgotten = "PUT, reused, partly forgotten"
  case interim = "GET, reused, 103 heard"
  case partial = "GET, reused, part of a head heard"
  case responding = "GET, response begun"
  case upgraded = "upgraded"
  case passthroughUnsent = "passed through, nothing left"
  case passthroughSent = "passed through, sent"
  case passthroughHeard = "passed through, heard"
  case spentConnecting = "GET, connecting, no retry left"
  case spentGet = "GET, fresh, sent, no retry left"
  case spentReused = "GET, reused, sent, no retry left"

  var test: TestExchange {
    var test = TestExchange.of(start, policy: policy)
    if start.isEmpty { test = .tunnel() }
    switch self {
    case .connecting, .connectingUpload, .spentConnecting:
      test.connect()
      return test
    case .reusedUnsent, .reusedGet, .reusedPost, .forgotten, .interim, .partial, .spentReused:
      test.attempt(isReused: true)
    default:
      test.attempt()
    }
    switch self {
    case .freshUnsent, .reusedUnsent, .passthroughUnsent: break
    default: test.send()
    }
    switch self {
    case .forgotten: test.forget()
    case .interim: test.respond(response(103))
    case .partial: test.respond("HTTP/1.")
    case .responding: test.respond(response(200, "Content-Length: 5", body: "ab"))
    case .upgraded: test.respond(upgradeResponse)
    case .passthroughSent: test.receive("hello"); test.send()
    case .passthroughHeard: test.respond("hello")
    default: break
    }
    return test
  }

  var failures: [ServerFailure] {
    switch self {
    case .connecting, .connectingUpload, .spentConnecting: [.connect, .connectTimeout, .shortage, .down]
    default: [.gone, .down, .truncated, .malformed, .timeout]
    }
  }

  private var start: String {
    switch self {
    case .connectingUpload, .freshUnsent, .freshPost, .reusedUnsent, .reusedPost:
      request("POST", "Content-Length: 5", body: "hello")
    case .forgotten: request("PUT", "Content-Length: 50", body: "hello")
    case .upgraded: upgradeRequest
    case .passthroughUnsent, .passthroughSent, .passthroughHeard: ""
    default: request()
    }
  }

  private var policy: ExchangePolicy {
    var policy = ExchangePolicy()
    switch self {
    case .spentConnecting, .spentGet, .spentReused: policy.retries = 0
    default: break
    }
    return policy
  }
}

@Suite struct `Recovery from a server failure` {
  /// A row for each situation, a column for each failure that can occur in it.
  @Test func `each failure in each situation has the expected result`() {
    var table = ""
    for situation in Situation.allCases {
      table += situation.rawValue + ":"
      for failure in situation.failures {
        var test = situation.test
        table += " \(failure) \(name(test.recover(from: failure))),"
      }
      table.removeLast()
      table += "\n"
    }
    #expect(
      table == """
        GET, connecting: connect redispatch, connectTimeout redispatch, shortage pause, down redispatch
        POST, connecting: connect redispatch, connectTimeout redispatch, shortage pause, down redispatch
        POST, fresh, nothing left: gone redispatch, down redispatch, truncated 502, malformed 502, timeout 504
        GET, fresh, sent: gone redispatch, down redispatch, truncated 502, malformed 502, timeout 504
        POST, fresh, sent: gone 502, down 502, truncated 502, malformed 502, timeout 504
        POST, reused, nothing left: gone reconnect, down redispatch, truncated 502, malformed 502, timeout 504
        GET, reused, sent: gone reconnect, down redispatch, truncated 502, malformed 502, timeout 504
        POST, reused, sent: gone 502, down 502, truncated 502, malformed 502, timeout 504
        PUT, reused, partly forgotten: gone 502, down 502, truncated 502, malformed 502, timeout 504
        GET, reused, 103 heard: gone 502, down 502, truncated 502, malformed 502, timeout 504
        GET, reused, part of a head heard: gone 502, down 502, truncated 502, malformed 502, timeout 504
        GET, response begun: gone abort, down abort, truncated abort, malformed abort, timeout abort
        upgraded: gone abort, down abort, truncated abort, malformed abort, timeout abort
        passed through, nothing left: gone redispatch, down redispatch, truncated 502, malformed 502, timeout 504
        passed through, sent: gone 502, down 502, truncated 502, malformed 502, timeout 504
        passed through, heard: gone abort, down abort, truncated abort, malformed abort, timeout abort
        GET, connecting, no retry left: connect 503, connectTimeout 503, shortage pause, down 503
        GET, fresh, sent, no retry left: gone 502, down 503, truncated 502, malformed 502, timeout 504
        GET, reused, sent, no retry left: gone reconnect, down 503, truncated 502, malformed 502, timeout 504

        """)
  }

  private func name(_ recovery: Recovery) -> String {
    switch recovery {
    case .reconnect: "reconnect"
    case .redispatch: "redispatch"
    case .pause: "pause"
    case .reply(let status): "\(status.rawValue)"
    case .abort: "abort"
    }
  }

  @Test func `retries run out`() {
    var test = TestExchange.of(request())
    var recoveries: [Recovery] = []
    for _ in 0...test.policy.retries {
      test.connect()
      recoveries.append(test.recover(from: .connect))
    }
    #expect(recoveries == [.redispatch, .redispatch, .redispatch, .reply(.serviceUnavailable)])
    #expect(test.exchange.record.retries == 3)
  }

  /// With every server hung, one bound holds for all tries together: `connect` for the first, what is left for the
  /// next.
  @Test func `attempts that hang share one time-out`() {
    var policy = ExchangePolicy()
    policy.timeouts.connect = .seconds(10)
    policy.timeouts.connectTotal = .seconds(15)
    var test = TestExchange.of(request(), policy: policy)
    var tries: [(Interval, Recovery)] = []
    while tries.count < 9, tries.last.map({ $0.1 == .redispatch }) ?? true {
      // Between attempts the exchange waits for a place at the next server, which has its own time-out.
      test.tell(.queued(isOther: false))
      test.pass(.seconds(20))
      test.connect()
      let began = test.now
      test.pass(.seconds(1))
      test.tell(.timer([]))
      guard case .later(let due) = test.exchange.expiry(policy.timeouts, backlog: [], at: test.now) else { break }
      var exchange = test.exchange
      let earliest = exchange.earliestExpiry(policy.timeouts)
      #expect(earliest == due)
      test.now = due
      #expect(test.exchange.expiry(policy.timeouts, backlog: [], at: due) == .connect)
      tries.append((due - began, test.recover(from: .connectTimeout)))
    }
    #expect(tries.map(\.0) == [.seconds(10), .seconds(5)])
    #expect(tries.map(\.1) == [.redispatch, .reply(.serviceUnavailable)])
    #expect(test.termination == Termination(.serverTimeout, .connect))
  }

  @Test func `a local shortage is waited out within a bound, and costs no retry`() {
    var policy = ExchangePolicy()
    policy.retries = 0
    var test = TestExchange.of(request("POST"), policy: policy)
    let began = test.now
    var pauses = 0
    test.connect()
    while pauses < 1000, test.recover(from: .shortage) == .pause {
      pauses += 1
      test.pass(Exchange.shortagePause)
      test.connect()
    }
    #expect(test.now - began == .seconds(3))
    #expect(test.exchange.record.retries == 0)
    #expect(test.termination == Termination(.resource, .connect))
  }

  @Test func `a shortage ends with the time-out of all attempts`() {
    var policy = ExchangePolicy()
    policy.timeouts.connectTotal = .milliseconds(250)
    var test = TestExchange.of(request(), policy: policy)
    for pauses in [true, true, true, false] {
      test.connect()
      #expect((test.recover(from: .shortage) == .pause) == pauses)
      test.pass(Exchange.shortagePause)
    }
  }

  @Test func `a failure after which the exchange recovered does not show in its termination state`() {
    var test = TestExchange.of(request())
    test.connect()
    #expect(test.recover(from: .connect) == .redispatch)
    #expect(test.termination == Termination())
  }

  @Test(arguments: [
    (ServerFailure.connect, Termination(.server, .connect)),
    (.connectTimeout, Termination(.serverTimeout, .connect)), (.down, Termination(.down, .connect)),
  ])
  func `a connection that could not be made ends the exchange in the connect phase`(
    failure: ServerFailure, expected: Termination
  ) {
    var policy = ExchangePolicy()
    policy.retries = 0
    var test = TestExchange.of(request(), policy: policy)
    test.connect()
    #expect(test.recover(from: failure) == .reply(.serviceUnavailable))
    #expect(test.termination == expected)
  }

  @Test(arguments: [
    (ServerFailure.gone, Termination(.server, .headers)), (.down, Termination(.down, .headers)),
    (.malformed, Termination(.proxy, .headers)), (.timeout, Termination(.serverTimeout, .headers)),
  ])
  func `a server that fails before its response ends the exchange in the headers phase`(
    failure: ServerFailure, expected: Termination
  ) {
    var test = TestExchange.of(request("POST"))
    test.attempt()
    test.send()
    _ = test.recover(from: failure)
    #expect(test.termination == expected)
  }

  @Test func `the next attempt sends the request again, from the first byte`() {
    let text = request("PUT", "Content-Length: 5", body: "hello")
    var test = TestExchange.of(text)
    test.attempt()
    test.send()
    let first = test.toServer
    #expect(first.hasSuffix("\r\n\r\nhello"))
    #expect(test.recover(from: .gone) == .redispatch)
    test.attempt()
    test.send()
    #expect(test.toServer == first)
  }

  @Test func `a server that stops reading an upload may still answer, and the exchange ends then`() {
    var test = TestExchange.of(request("POST", "Content-Length: 50", body: "hello"))
    test.attempt()
    test.send()
    test.exchange.closeRequestWrite()
    test.respond(response(413, "Content-Length: 2", body: "no"))
    #expect(!test.exchange.endsEarly)
    test.deliver()
    #expect(test.exchange.endsEarly)
    #expect(!test.exchange.serverMayContinue && !test.exchange.clientMayContinue)
    #expect(test.toClient.hasSuffix("no"))
  }

  @Test func `a tunnel whose server stops reading ends after the server's last bytes`() {
    var test = TestExchange.of(upgradeRequest)
    test.attempt()
    test.send()
    test.respond(upgradeResponse + "frame")
    test.exchange.closeRequestWrite()
    test.deliver()
    #expect(!test.exchange.endsEarly)
    test.respond("", end: .closed)
    #expect(test.exchange.endsEarly)
  }
}
