import HTTP1
import Wire

/// Where the search for a server stands.
enum Stage: Hashable, Sendable {
  case none
  /// Waiting for a place at a server since then.
  case queued(since: Instant)
  /// A connection is being made since then.
  case connecting(since: Instant)
  case connected
}

/// What happened with the server in use.
struct Attempt: Sendable {
  var stage = Stage.none
  /// The connection had served before, and may have been closed by the server meanwhile.
  var isReused = false
  /// Something of the request may have reached the server.
  var hasSent = false
  /// Something of an answer came.
  var responseStarted = false
  /// The server takes nothing more of the request. What can be read of its answer still counts.
  var isDeaf = false
  /// 1xx heads that came in front of the answer.
  var interimHeads = 0

  /// As many as a server that says every few seconds that it is still at work (102, RFC 2518 §10.1) sends in minutes. Each
  /// counts as activity, so that without a bound a request could be kept under way for ever.
  static let maximumInterimHeads = 100
}

extension Exchange {
  /// No server has a place free; the exchange waits for one.
  public mutating func beginQueueing(at now: Instant) {
    attempt = Attempt(stage: .queued(since: now))
    record.queued = true
    lastActivity = now
  }

  /// A connection to a server is being made, or taken from a pool.
  public mutating func beginAttempt(isReused: Bool, at now: Instant) {
    noteConnecting(until: now)
    attempt = Attempt(stage: .connecting(since: now), isReused: isReused)
    serverCloses = isTunnel
    responseScanner = HeadScanner()
    requestCursor.rewind()
    lastActivity = now
    if record.dequeued == nil { record.dequeued = now }
  }

  /// Counts the time since the attempt began to connect against what all attempts may take together. Waiting for a
  /// place at a server is not in it: that has a bound of its own.
  mutating func noteConnecting(until now: Instant) {
    guard case .connecting(let since) = attempt.stage else { return }
    searched.nanoseconds &+= (now - since).nanoseconds
    attempt.stage = .connecting(since: now)
  }

  /// The connection stands; the request goes out on it.
  public mutating func connected(at now: Instant) {
    attempt.stage = .connected
    record.connected = now
    lastActivity = now
  }

  /// Notes that the oldest `count` pending bytes of the request went out.
  public mutating func sentRequest(_ count: Int, at now: Instant) {
    requestCursor.send(count)
    attempt.hasSent = true
    lastActivity = now
  }

  /// Notes that bytes of the request that the cursor has passed already, its head among them, may have left for the
  /// server.
  public mutating func requestLeft() { attempt.hasSent = true }

  /// Writing to the server failed. Its answer may be here already, and reading goes on until the end of its stream.
  public mutating func serverBecameDeaf() {
    attempt.isDeaf = true
    serverCloses = true
  }

  /// Nothing more of the request is to be sent on this connection.
  public var isServerDeaf: Bool { attempt.isDeaf }

  /// Some part of an answer came: the request will not be sent again.
  public var isAnswering: Bool { attempt.responseStarted }

  /// Where the exchange is, for the log.
  public var phase: Termination.Phase {
    if requestSide == .head { return .request }
    switch attempt.stage {
    case .none, .queued: return .queue
    case .connecting: return .connect
    case .connected: return responseSide == .head ? .headers : .data
    }
  }
}
