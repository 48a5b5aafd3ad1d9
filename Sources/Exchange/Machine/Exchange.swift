import HTTP1
import Wire

/// One request and its answer on the way through: where it may go, what may be relayed, what follows from a failure, when
/// it is over, and what may be used again.
///
/// It holds no bytes and does no I/O. Its owner keeps two buffers of received bytes, the client's and the server's, and
/// offers them whenever some were added: `readRequestHead` until it answers `.head`, then `readRequestBody`, and
/// `readResponse` while a server has the request. The cursors say which of the bytes may go out. Everything else that
/// happens is told to `handle`, which answers with what is to be done. Instants never go back.
///
/// One is logged once: `Effect.log` comes with the transition to `State.done`, unless not a byte of a request had come.
public struct Exchange: Sendable {
  /// What comes next from one side.
  public enum Side: BitwiseCopyable, Hashable, Sendable {
    case head
    case body
    /// Nothing more belongs to this exchange.
    case complete
    /// Opaque bytes until the end of the stream.
    case tunnel
  }

  /// What becomes of requests on a listener's connections.
  public enum Kind: Equatable, Sendable {
    /// They go to a server.
    case relayed
    /// They are answered with a redirect.
    case redirected
    /// There are none: opaque bytes go to a server from the first on.
    case opaque
  }

  /// Whether the client's connection may carry another request.
  public enum ClientUse: Sendable {
    case continues
    /// The client ended its direction. The answer still goes out.
    case halfClosed
    /// It ends with this exchange, and the answer's head says so.
    case closes
  }

  /// What the search for a server has left.
  struct Search: Sendable {
    var retriesLeft: Int
    /// How long connections have been tried to be made, all attempts together.
    var connecting = Interval.zero
    /// Attempts that met a shortage of this machine's own.
    var shortages = 0
    /// The health of the server that has the request was asked for, since it is silent.
    var isSuspected = false
  }

  /// A byte that was approved and is to go out as another one; an offset into the buffer that was offered last.
  struct Overwrite: Hashable, Sendable {
    let offset: Int
    let octet: UInt8
  }

  public internal(set) var state = State.reading
  public let kind: Kind
  /// When the connection became ready for this request's first byte.
  public let opened: Instant
  /// The first exchange of its connection: waiting for it counts as http-request, not as keep-alive.
  public let isFirst: Bool
  public internal(set) var request: RequestHead?
  /// From the client to the server. What of it has been sent may stay in its buffer, to be sent again.
  var outbound = Direction()
  /// From the server to the client, in the attempt under way; new with each.
  public internal(set) var inbound = Direction()
  public internal(set) var record = AccessRecord()
  /// When bytes last moved, in either direction.
  public internal(set) var lastActivity: Instant
  var clientUse = ClientUse.continues
  /// The server's connection is bound to this client from here on.
  public internal(set) var isPrivate: Bool
  /// Nothing of the request has left the buffer, so all of it could be sent again.
  var isReplayable = true
  var search: Search
  var overwrite: Overwrite?

  /// `isPrivate`: as the exchange before has decided. `retries`: as the policy has it.
  public init(isFirst: Bool, isPrivate: Bool = false, kind: Kind = .relayed, retries: Int, at now: Instant) {
    self.isFirst = isFirst
    self.isPrivate = isPrivate
    self.kind = kind
    opened = now
    lastActivity = now
    search = Search(retriesLeft: retries)
    guard kind == .opaque else { return }
    outbound.side = .tunnel
    clientUse = .closes
    record.began = now
    record.headRead = now
  }

  /// The byte of the buffer just offered that is to be written over before anything else is done with it.
  @inline(__always)
  public mutating func takeOverwrite() -> (offset: Int, octet: UInt8)? {
    guard let taken = overwrite else { return nil }
    overwrite = nil
    return (taken.offset, taken.octet)
  }

  // MARK: What moved

  /// Bytes came from the client, head and framing included.
  public mutating func received(_ count: Int) { record.bytesFromClient += UInt64(count) }

  /// Bytes went out to the client, pages and rewritten heads included.
  public mutating func delivered(_ count: Int, at now: Instant) {
    record.bytesToClient += UInt64(count)
    lastActivity = now
  }

  /// The oldest `count` pending bytes of the request went out, and what else goes with them. The server may have them.
  public mutating func sentRequest(_ count: Int, at now: Instant) {
    outbound.cursor.send(count)
    sentCopiedRequest(at: now)
  }

  /// Of the bytes that were copied, some went out.
  @inline(__always)
  public mutating func sentCopiedRequest(at now: Instant) {
    lastActivity = now
    requestLeft()
  }

  /// The oldest `count` pending bytes of the request were copied to where they go out from.
  public mutating func movedRequest(_ count: Int) { outbound.cursor.send(count) }

  /// The oldest `count` pending bytes of the answer went out, or were copied to where they go out from. The owner consumes
  /// as many from its buffer as this says.
  public mutating func movedResponse(_ count: Int) -> Int {
    inbound.cursor.send(count)
    return inbound.cursor.drop()
  }

  /// Changes what is known of the attempt under way, if there is one.
  @inline(__always)
  mutating func change(_ change: (inout Attempt) -> Void) {
    guard case .relaying(var attempt) = state else { return }
    change(&attempt)
    state = .relaying(attempt)
  }

  /// The request is another client's than the one before on this connection: nothing of that one's is to serve it.
  public mutating func changeClient() { isPrivate = request?.bindsAuthentication == true }

  // MARK: What it is like now

  /// What is asked for can be done again without harm, or nothing is asked for. Mutating as `earliestExpiry` is.
  public var mayRunTwice: Bool {
    mutating get { request?.isIdempotent != false }
  }

  /// What comes next from the client.
  @inline(__always)
  public var requestSide: Side { outbound.side }

  /// What comes next from the server.
  @inline(__always)
  public var responseSide: Side { inbound.side }

  /// Into the buffer of the client's bytes.
  @inline(__always)
  public var requestCursor: Cursor { outbound.cursor }

  /// Into the buffer of the server's bytes.
  @inline(__always)
  public var responseCursor: Cursor { inbound.cursor }

  /// The part of the response's body that has not been read.
  public var responseBody: BodyTracker { inbound.body }

  /// Both directions are, or were until they ended, opaque bytes.
  @inline(__always)
  public var isTunnel: Bool {
    guard case .relaying(let attempt) = state else { return false }
    return attempt.mode == .tunnel
  }

  /// Nothing more of the request is to be sent on this connection.
  @inline(__always)
  public var isRequestWriteClosed: Bool {
    if case .relaying(let attempt) = state { attempt.marks.contains(.requestWriteClosed) } else { false }
  }

  /// All of the request has been read and has left the buffer, and it is no tunnel's.
  @inline(__always)
  public var isRequestSent: Bool { outbound.side == .complete && outbound.cursor.pending == 0 && !isTunnel }

  /// Some part of an answer came: the request will not be sent again.
  @inline(__always)
  public var isAnswering: Bool {
    if case .relaying(let attempt) = state { attempt.hasBegun } else { false }
  }

  /// The final answer's head is here.
  @inline(__always)
  public var hasAnswerHead: Bool {
    guard case .relaying(let attempt) = state, case .head = attempt.answer else { return false }
    return true
  }

  /// The request is complete, and its answer has not begun.
  @inline(__always)
  var isUnanswered: Bool { outbound.side == .complete && responseSide == .head }

  /// Whether a client whose direction has ended, in order or by a reset, still waits for the answer. One that ends it
  /// before the answer has begun is taken for gone, as other proxies do: hardly any half-closes, and those who gave up
  /// would hold places at the server.
  @inline(__always)
  public func isAbandoned(hasEnded: Bool, isReset: Bool) -> Bool {
    isReset || hasEnded && isUnanswered && kind != .opaque
  }

  /// The answer has been read to its end, and all of it has gone out.
  @inline(__always)
  public var isAnswerDelivered: Bool { inbound.side == .complete && inbound.cursor.pending == 0 }

  /// Both messages have been read to their ends, and everything approved has gone out.
  @inline(__always)
  var isComplete: Bool { isAnswerDelivered && outbound.side == .complete && outbound.cursor.pending == 0 }

  /// The answer is complete and gone out, but nobody will read the rest of the request.
  @inline(__always)
  var isAnsweredEarly: Bool {
    guard isAnswerDelivered, case .relaying(let attempt) = state else { return false }
    return attempt.marks.contains(.requestWriteClosed)
      || attempt.mode != .tunnel && (outbound.side == .body || outbound.cursor.pending > 0)
  }

  /// Both messages are complete and have gone out, or the answer has and nobody will read the rest of the request. Mutating
  /// as `earliestExpiry` is.
  public var isOver: Bool {
    mutating get { isComplete || isAnsweredEarly }
  }

  /// The client's connection may carry another request: both messages have been read to their ends, whether or not the
  /// server took all of the one it answered.
  var clientMayContinue: Bool {
    isAnswerDelivered && outbound.side == .complete && clientUse == .continues
  }

  /// The server's connection may carry another request.
  var serverMayContinue: Bool {
    guard case .relaying(let attempt) = state, !attempt.marks.contains(.closesConnection) else { return false }
    return isComplete
  }

  /// Where the exchange is, for the log.
  var phase: Termination.Phase {
    switch state {
    case .reading: .request
    case .placing, .queued: .queue
    case .connecting, .paused: .connect
    case .relaying: inbound.side == .head ? .headers : .data
    case .replying, .done: .headers
    }
  }
}
