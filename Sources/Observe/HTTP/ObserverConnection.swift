import HTTP1
import Wire

/// A client's connection: one request after the other, each with its answer. Pure.
///
///     securing → idle (with TLS)
///              → writing (a request without TLS)
///     idle → reading → deciding → writing → idle
///                                         → draining → over
///                           → streaming → over
///
/// A client that is slow loses its own connection: each state but `deciding` has a time limit, and nothing is read while
/// an answer is being sent.
package struct ObserverConnection {
  /// How long a connection may be without a request: longer than the usual scrape interval of a minute.
  static let idleTimeout = Interval.seconds(75)
  /// The time limit of the TLS handshake.
  static let handshakeTimeout = Interval.seconds(5)
  /// The time limit of a head, from its first byte.
  static let headTimeout = Interval.seconds(5)
  /// The time limit of an answer.
  static let answerTimeout = Interval.seconds(30)
  /// How long the rest of what a client sends is read after the last answer, so that it is not reset before the client
  /// has read it.
  static let drainTimeout = Interval.seconds(2)
  /// Requests have some hundred bytes.
  private static let limits = HeadLimits(bytes: 8192, fieldLines: 64, requestTarget: 1024)

  /// What the connection waits for.
  package enum State: Equatable, Sendable {
    /// The TLS handshake.
    case securing
    case idle
    /// A partial head.
    case reading
    /// The answer is not known yet.
    case deciding
    /// So many bytes of the answer are sent.
    case writing(sent: Int, keepsAlive: Bool)
    /// So many bytes of the stream's `output` are sent.
    case streaming(sent: Int)
    /// Everything is sent, and our direction is to be closed.
    case draining
    /// To be closed.
    case over
  }

  /// What happens to it.
  package enum Event {
    /// The TLS handshake is complete.
    case secured
    /// The client has sent a request without TLS.
    case plain
    /// No more bytes than the state's `room`.
    case received([UInt8])
    /// The client has closed its direction.
    case ended
    /// The answer to the last request.
    case answered(ObserverAnswer)
    /// More for the stream. Where the client has not taken what came before, it replaces what is waiting.
    case continued([UInt8])
    /// So many bytes of `output` were sent.
    case sent(Int)
    /// The connection is broken.
    case failed
    /// Time has passed.
    case timer
  }

  package private(set) var state: State
  /// When it entered this state.
  package private(set) var since: Instant
  /// Since when it has not sent a whole request.
  private var idleSince: Instant
  /// What was received and not answered: less than two heads.
  private var received: [UInt8] = []
  private var scanner = HeadScanner()
  /// What is being sent: the head of an answer, then the body. Every connection with this answer shares the body.
  private var head: [UInt8] = []
  private var body: [UInt8] = []
  /// What follows on a stream whose client is slow.
  private var next: [UInt8]?
  private var request: (isHead: Bool, keepsAlive: Bool) = (false, false)
  /// Whether the client has closed its direction.
  private var hasEnded = false

  /// An accepted connection; `isSecure`: with TLS.
  package init(isSecure: Bool = false, at now: Instant) {
    state = isSecure ? .securing : .idle
    (since, idleSince) = (now, now)
  }

  /// Whether it gets what `.continued` has.
  package var isStreaming: Bool { if case .streaming = state { true } else { false } }

  /// Whether its client has not taken all of an answer, or of what a stream has sent.
  package var isSending: Bool {
    switch state {
    case .writing: true
    case .streaming: length > 0
    case .securing, .idle, .reading, .deciding, .draining, .over: false
    }
  }

  /// How many bytes may be received now.
  package var room: Int {
    switch state {
    case .idle, .reading: Self.limits.bytes
    case .draining, .streaming: 65_536
    case .securing, .deciding, .writing, .over: 0
    }
  }

  /// The bytes to be sent.
  package var output: ArraySlice<UInt8> {
    switch state {
    case .writing(let sent, _), .streaming(let sent):
      sent < head.count ? head[sent...] : body[(sent - head.count)...]
    case .securing, .idle, .reading, .deciding, .draining, .over: []
    }
  }

  private var length: Int { head.count + body.count }

  /// When `handle(.timer)` is due.
  package var deadline: Instant? {
    switch state {
    case .securing: since + Self.handshakeTimeout
    case .idle: since + Self.idleTimeout
    case .reading: since + Self.headTimeout
    case .writing: since + Self.answerTimeout
    case .streaming: length == 0 ? nil : since + Self.answerTimeout
    case .draining: since + Self.drainTimeout
    case .deciding, .over: nil
    }
  }

  /// The order in which connections make room for another one: the lower, the earlier. Whether a client has sent a part
  /// of a request makes no difference: a new one would have to go before older ones that send nothing whole.
  package var evictionRank: (Int, Instant) {
    switch state {
    case .over, .draining: (0, since)
    case .securing, .idle, .reading: (1, idleSince)
    case .deciding, .writing, .streaming: (2, since)
    }
  }

  /// Returns a request when its head is complete; it is to be answered with `.answered`.
  package mutating func handle(_ event: Event, at now: Instant) -> ObserverRequest? {
    switch (state, event) {
    case (.securing, .secured): enter(.idle, now)
    case (.securing, .plain): write(.plainRequest, isToHead: false, keepsAlive: false, now)
    case (.idle, .received(let bytes)), (.reading, .received(let bytes)):
      received += bytes
      return readHead(at: now)
    case (.securing, .ended), (.idle, .ended), (.reading, .ended), (.draining, .ended), (.streaming, .ended),
      (_, .failed):
      enter(.over, now)
    case (_, .ended): hasEnded = true
    case (.deciding, .answered(let answer)):
      write(answer, isToHead: request.isHead, keepsAlive: request.keepsAlive, now)
    case (.writing(let sent, let keepsAlive), .sent(let count)):
      // The time limit is the whole answer's.
      guard sent + count >= length else {
        state = .writing(sent: sent + count, keepsAlive: keepsAlive)
        return nil
      }
      (head, body) = ([], [])
      guard keepsAlive else {
        enter(hasEnded ? .over : .draining, now)
        return nil
      }
      enter(.idle, now)
      if !received.isEmpty { return readHead(at: now) }
      if hasEnded { enter(.over, now) }
    case (.streaming(let sent), .sent(let count)):
      guard sent + count >= length else {
        state = .streaming(sent: sent + count)
        return nil
      }
      (head, body) = ([], next.take() ?? [])
      enter(.streaming(sent: 0), now)
    case (.streaming, .continued(let bytes)):
      guard length == 0 else {
        next = bytes
        return nil
      }
      body = bytes
      since = now
    case (_, .timer): if let deadline, now >= deadline { enter(.over, now) }
    case (.securing, _), (.deciding, _), (.writing, _), (.streaming, _), (.over, _), (.idle, _), (.reading, _),
      (.draining, _):
      break
    }
    return nil
  }

  private mutating func enter(_ next: State, _ now: Instant) {
    state = next
    since = now
    if next == .idle { idleSince = now }
  }

  private mutating func readHead(at now: Instant) -> ObserverRequest? {
    if state == .idle { enter(.reading, now) }
    let bytes = received
    guard scanner.isWorthParsing(bytes.span, limits: Self.limits) else { return nil }
    switch RequestHead.parse(bytes.span, limits: Self.limits) {
    case .incomplete: return nil
    case .rejected(let rejection):
      refuse(rejection.status, "\(rejection.reason)", now)
      return nil
    case .head(let head):
      let isKnown = head.method == .get || head.method == .head
      guard isKnown, head.framing == .none else {
        refuse(isKnown ? .badRequest : .methodNotAllowed, "only GET and HEAD, without a body", now)
        return nil
      }
      let asked = ObserverRequest(head, of: bytes)
      received = Array(bytes[head.length...])
      scanner = HeadScanner()
      request = (asked.isHead, head.keepAlive)
      enter(.deciding, now)
      return asked
    }
  }

  /// The last answer: where the next request would start is not known.
  private mutating func refuse(_ status: HTTP1.Status, _ line: String, _ now: Instant) {
    let isToHead = received.starts(with: "HEAD ".utf8)
    received = []
    write(.failure(ObserverAnswer.Status(status), line), isToHead: isToHead, keepsAlive: false, now)
  }

  private mutating func write(_ answer: ObserverAnswer, isToHead: Bool, keepsAlive: Bool, _ now: Instant) {
    let streams = answer.isStream && !isToHead
    head = answer.head(keepsAlive: keepsAlive && !answer.isStream)
    body = isToHead ? [] : answer.body
    enter(streams ? .streaming(sent: 0) : .writing(sent: 0, keepsAlive: keepsAlive && !answer.isStream), now)
  }
}
