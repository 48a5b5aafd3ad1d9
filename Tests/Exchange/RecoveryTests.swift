import HTTP1
import Testing
import Wire

@testable import Exchange

/// A point in an exchange at which its server may fail.
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
  case answerUnsent = "GET, answer withdrawn"
  case answering = "GET, answering"
  case upgraded = "upgraded"
  case passthroughUnsent = "passed through, nothing left"
  case passthroughSent = "passed through, sent"
  case passthroughHeard = "passed through, heard"
  case spentConnecting = "GET, connecting, no retry left"
  case spentGet = "GET, fresh, sent, no retry left"
  case spentReused = "GET, reused, sent, no retry left"

  var passage: Passage {
    var passage = Passage.of(start, policy: policy)
    if start.isEmpty { passage = .tunnel() }
    switch self {
    case .connecting, .connectingUpload, .spentConnecting:
      passage.exchange.beginAttempt(isReused: false, at: passage.now)
      return passage
    case .reusedUnsent, .reusedGet, .reusedPost, .forgotten, .interim, .partial, .spentReused:
      passage.attempt(isReused: true)
    default:
      passage.attempt()
    }
    switch self {
    case .freshUnsent, .reusedUnsent, .passthroughUnsent: break
    default: passage.send()
    }
    switch self {
    case .forgotten: passage.forget()
    case .interim: passage.answer(response(103))
    case .partial: passage.answer("HTTP/1.")
    case .answerUnsent:
      passage.answer(response(200, "Content-Length: 5", body: "ab"))
      passage.exchange.withdrawResponse()
    case .answering: passage.answer(response(200, "Content-Length: 5", body: "ab"))
    case .upgraded: passage.answer(upgradeResponse)
    case .passthroughSent: passage.receive("hello"); passage.send()
    case .passthroughHeard: passage.answer("hello")
    default: break
    }
    return passage
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

@Suite struct `Recovery from a server's failure` {
  /// One row a situation, one column a failure that can happen in it.
  @Test func `what follows each failure in each situation`() {
    var table = ""
    for situation in Situation.allCases {
      table += situation.rawValue + ":"
      for failure in situation.failures {
        var passage = situation.passage
        table += " \(failure) \(name(passage.recover(from: failure))),"
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
        GET, answer withdrawn: gone 502, down 502, truncated 502, malformed 502, timeout 504
        GET, answering: gone abort, down abort, truncated abort, malformed abort, timeout abort
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
    case .answer(let status): "\(status.rawValue)"
    case .abort: "abort"
    }
  }

  @Test func `retries run out`() {
    var passage = Passage.of(request())
    var recoveries: [Recovery] = []
    for _ in 0...passage.policy.retries {
      passage.exchange.beginAttempt(isReused: false, at: passage.now)
      recoveries.append(passage.recover(from: .connect))
    }
    #expect(recoveries == [.redispatch, .redispatch, .redispatch, .answer(.serviceUnavailable)])
    #expect(passage.exchange.record.retries == 3)
  }

  /// With every server hung, one bound holds for all tries together: `connect` for the first, what is left for the next.
  @Test func `tries that hang have one time-out together`() {
    var policy = ExchangePolicy()
    policy.timeouts.connect = .seconds(10)
    policy.timeouts.connectTotal = .seconds(15)
    var passage = Passage.of(request(), policy: policy)
    var tries: [(Interval, Recovery)] = []
    while tries.count < 9, tries.last.map({ $0.1 == .redispatch }) ?? true {
      // A place at the next server is waited for in between, which has its own bound.
      passage.exchange.beginQueueing(at: passage.now)
      passage.pass(.seconds(20))
      passage.exchange.beginAttempt(isReused: false, at: passage.now)
      let began = passage.now
      guard case .later(let due) = passage.exchange.expiry(policy.timeouts, backlog: [], at: began) else { break }
      var exchange = passage.exchange
      let earliest = exchange.earliestExpiry(policy.timeouts)
      #expect(earliest == due)
      passage.now = due
      #expect(passage.exchange.expiry(policy.timeouts, backlog: [], at: due) == .connect)
      tries.append((due - began, passage.recover(from: .connectTimeout)))
    }
    #expect(tries.map(\.0) == [.seconds(10), .seconds(5)])
    #expect(tries.map(\.1) == [.redispatch, .answer(.serviceUnavailable)])
    #expect(passage.exchange.record.termination == Termination(.serverTimeout, .connect))
  }

  @Test func `a shortage of this machine's own is waited out for a while, and costs no retry`() {
    var policy = ExchangePolicy()
    policy.retries = 0
    var passage = Passage.of(request("POST"), policy: policy)
    let began = passage.now
    var pauses = 0
    passage.exchange.beginAttempt(isReused: false, at: passage.now)
    while pauses < 1000, passage.recover(from: .shortage) == .pause {
      pauses += 1
      passage.pass(Exchange.shortagePause)
      passage.exchange.beginAttempt(isReused: false, at: passage.now)
    }
    #expect(passage.now - began == .seconds(3))
    #expect(passage.exchange.record.retries == 0)
    #expect(passage.exchange.record.termination == Termination(.resource, .connect))
  }

  @Test func `a shortage ends with the time for all tries`() {
    var policy = ExchangePolicy()
    policy.timeouts.connectTotal = .milliseconds(250)
    var passage = Passage.of(request(), policy: policy)
    for pauses in [true, true, true, false] {
      passage.exchange.beginAttempt(isReused: false, at: passage.now)
      #expect((passage.recover(from: .shortage) == .pause) == pauses)
      passage.pass(Exchange.shortagePause)
    }
  }

  @Test func `a failure that was recovered from leaves no trace in how the exchange ended`() {
    var passage = Passage.of(request())
    passage.exchange.beginAttempt(isReused: false, at: passage.now)
    #expect(passage.recover(from: .connect) == .redispatch)
    #expect(passage.exchange.record.termination == Termination())
  }

  @Test(arguments: [
    (ServerFailure.connect, Termination(.server, .connect)),
    (.connectTimeout, Termination(.serverTimeout, .connect)), (.down, Termination(.down, .connect)),
  ])
  func `a connection that never came about ends the exchange in its connect phase`(
    failure: ServerFailure, expected: Termination
  ) {
    var policy = ExchangePolicy()
    policy.retries = 0
    var passage = Passage.of(request(), policy: policy)
    passage.exchange.beginAttempt(isReused: false, at: passage.now)
    #expect(passage.recover(from: failure) == .answer(.serviceUnavailable))
    #expect(passage.exchange.record.termination == expected)
  }

  @Test(arguments: [
    (ServerFailure.gone, Termination(.server, .headers)), (.down, Termination(.down, .headers)),
    (.malformed, Termination(.proxy, .headers)), (.timeout, Termination(.serverTimeout, .headers)),
  ])
  func `a server that fails before its answer ends the exchange in its headers phase`(
    failure: ServerFailure, expected: Termination
  ) {
    var passage = Passage.of(request("POST"))
    passage.attempt()
    passage.send()
    _ = passage.recover(from: failure)
    #expect(passage.exchange.record.termination == expected)
  }

  @Test func `the next attempt sends everything once more, from the first byte`() {
    let text = request("PUT", "Content-Length: 5", body: "hello")
    var passage = Passage.of(text)
    passage.attempt()
    passage.send()
    let first = passage.toServer
    #expect(first.hasSuffix("\r\n\r\nhello"))
    #expect(passage.recover(from: .gone) == .redispatch)
    passage.attempt()
    passage.send()
    #expect(passage.toServer == first)
  }

  @Test func `a server that takes no more of an upload is heard out, and then the exchange is over`() {
    var passage = Passage.of(request("POST", "Content-Length: 50", body: "hello"))
    passage.attempt()
    passage.send()
    passage.exchange.serverBecameDeaf()
    passage.answer(response(413, "Content-Length: 2", body: "no"))
    #expect(!passage.exchange.isAnsweredEarly)
    passage.deliver()
    #expect(passage.exchange.isAnsweredEarly)
    #expect(!passage.exchange.serverMayContinue && !passage.exchange.clientMayContinue)
    #expect(passage.toClient.hasSuffix("no"))
  }

  @Test func `a tunnel whose server takes no more ends with what the server had sent`() {
    var passage = Passage.of(upgradeRequest)
    passage.attempt()
    passage.send()
    passage.answer(upgradeResponse + "frame")
    passage.exchange.serverBecameDeaf()
    passage.deliver()
    #expect(!passage.exchange.isAnsweredEarly)
    passage.answer("", end: .closed)
    #expect(passage.exchange.isAnsweredEarly)
  }
}
