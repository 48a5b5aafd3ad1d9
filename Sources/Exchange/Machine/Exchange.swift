import HTTP1
import Wire

/// One request and its response as they are relayed. Decides where the request may be sent, which bytes may be
/// forwarded, how to handle a failure, when the exchange ends, and which connections can be reused.
///
/// It holds no bytes and does no I/O. The owner keeps two buffers of received bytes, for the client and for the server,
/// and passes them after bytes were added: to `readRequestHead` until it returns `.head`, then to `readRequestBody`,
/// and to `readResponse` while a server has the request. The cursors mark the bytes that may be sent. All other events
/// are passed to `handle`. Each of these functions returns the effects to perform. Instants never decrease.
///
/// Each exchange is logged once: `Effect.log` accompanies the transition to `State.done`, unless no byte of a request
/// was received.
public struct Exchange: Sendable {
  /// What one side sends next.
  public enum Side: BitwiseCopyable, Hashable, Sendable {
    case head
    case body
    /// The message is complete.
    case complete
    /// Opaque bytes until the end of the stream.
    case tunnel
  }

  /// How a listener handles requests.
  public enum Kind: Equatable, Sendable {
    /// Forwarded to a server.
    case relayed
    /// The response is a redirect.
    case redirected
    /// Not HTTP: opaque bytes are relayed to a server from the start.
    case opaque
  }

  /// Whether the client's connection may carry another request.
  public enum ClientUse: Sendable {
    case continues
    /// The client closed its direction. The response is still sent.
    case halfClosed
    /// The connection closes after this exchange; the response's head declares it.
    case closes
  }

  /// What limits the remaining attempts to find a server.
  struct Search: Sendable {
    var retriesLeft: Int
    /// Time spent connecting, over all attempts.
    var connecting = Interval.zero
    /// Number of attempts that failed for lack of local resources.
    var shortages = 0
    /// A health check of the silent server that has the request was already requested.
    var isSuspected = false
  }

  /// An approved byte that must be replaced before it is sent; an offset into the buffer passed last.
  struct Overwrite: Hashable, Sendable {
    let offset: Int
    let octet: UInt8
  }

  public internal(set) var state = State.reading
  public let kind: Kind
  /// When the connection became ready for the first byte of this request.
  public let opened: Instant
  /// Its number on its connection, from 1.
  public let number: Int
  public internal(set) var request: RequestHead?
  /// From the client to the server. Sent bytes may stay in its buffer to be sent again.
  var outbound = Direction()
  /// From the server to the client, in the current attempt: see `leaveAttempt`.
  public internal(set) var inbound = Direction()
  public internal(set) var record = AccessRecord()
  /// When bytes were last transferred in either direction.
  public internal(set) var lastActivity: Instant
  var clientUse = ClientUse.continues
  /// Whether the server's connection is reserved for this client.
  public internal(set) var isPrivate: Bool
  /// Nothing of the request has been removed from the buffer, so all of it could be sent again.
  var isReplayable = true
  var search: Search
  var overwrite: Overwrite?

  /// `number`: counted from 1 on its connection. `isPrivate`: the value at the end of the previous exchange. `retries`: the policy's value.
  public init(number: Int, isPrivate: Bool = false, kind: Kind = .relayed, retries: Int, at now: Instant) {
    self.number = number
    self.isPrivate = isPrivate
    self.kind = kind
    opened = now
    lastActivity = now
    search = Search(retriesLeft: retries)
    guard kind == .opaque else { return }
    outbound.side = .tunnel
    clientUse = .closes
    record.began(at: now)
    record.headRead(at: now)
  }

  /// Returns the byte of the buffer passed last that must be replaced before the buffer is used for anything else.
  @inline(__always)
  public mutating func takeOverwrite() -> (offset: Int, octet: UInt8)? {
    guard let taken = overwrite else { return nil }
    overwrite = nil
    return (taken.offset, taken.octet)
  }

  // MARK: Transferred bytes

  /// The first bytes are there, and are read later.
  public mutating func hasBytes(_ bytes: Span<UInt8>, at now: Instant) {
    if !bytes.isOnlyLineEnd { record.began(at: now) }
  }

  /// Counts bytes received from the client, including heads and framing.
  public mutating func received(_ count: Int) { record.received(count) }

  /// Counts bytes sent to the client, including error pages and rewritten heads.
  public mutating func delivered(_ count: Int, at now: Instant) {
    record.sent(count)
    lastActivity = now
  }

  /// Counts the oldest `count` pending bytes of the request as sent: the server may have received them.
  public mutating func sentRequest(_ count: Int, at now: Instant) {
    outbound.cursor.send(count)
    sentCopiedRequest(at: now)
  }

  /// Counts bytes as sent that were copied to the output before.
  @inline(__always)
  public mutating func sentCopiedRequest(at now: Instant) {
    lastActivity = now
    requestLeft()
  }

  /// The oldest `count` pending bytes of the request were copied to the output.
  public mutating func movedRequest(_ count: Int) { outbound.cursor.send(count) }

  /// The oldest `count` pending bytes of the response were sent, or copied to the output. Returns the number of bytes
  /// that the owner must remove from its buffer.
  public mutating func movedResponse(_ count: Int) -> Int {
    inbound.cursor.send(count)
    return inbound.cursor.drop()
  }

  /// Changes the current attempt, if there is one.
  @inline(always)
  mutating func change(_ change: (inout Attempt) -> Void) {
    guard case .relaying(var attempt) = state else { return }
    change(&attempt)
    state = .relaying(attempt)
  }

  /// The request belongs to another client than the one before on this connection, which must not share its state.
  public mutating func changeClient() { isPrivate = request?.bindsAuthentication == true }

  /// Rules for paths have admitted the request of a trusted proxy. Returns why it must be refused all the same.
  public mutating func dropPathClaims(of bytes: Span<UInt8>) -> Rejection? {
    do throws(Rejection) { try request?.dropPathClaims(of: bytes) } catch { return error }
    return nil
  }

  // MARK: Queries

  /// Whether it is the first of its connection: the wait for it counts as http-request, not as keep-alive.
  var isFirst: Bool { number == 1 }

  /// Whether the request is idempotent, or there is none. Mutating for the same reason as `earliestExpiry`.
  public var mayRunTwice: Bool {
    mutating get { request?.isIdempotent != false }
  }

  /// What the client sends next.
  @inline(__always)
  public var requestSide: Side { outbound.side }

  /// What the server sends next.
  @inline(__always)
  public var responseSide: Side { inbound.side }

  /// Position in the buffer of the client's bytes.
  @inline(__always)
  public var requestCursor: Cursor { outbound.cursor }

  /// Position in the buffer of the server's bytes.
  @inline(__always)
  public var responseCursor: Cursor { inbound.cursor }

  /// The part of the response body that has not been read.
  public var responseBody: BodyTracker { inbound.body }

  /// Whether both directions carry, or carried until they ended, opaque bytes.
  @inline(__always)
  public var isTunnel: Bool {
    guard case .relaying(let attempt) = state else { return false }
    return attempt.mode == .tunnel
  }

  /// Whether nothing more of the request is sent on this connection.
  @inline(__always)
  public var isRequestWriteClosed: Bool {
    if case .relaying(let attempt) = state { attempt.marks.contains(.requestWriteClosed) } else { false }
  }

  /// Whether all of the request has been read and has left the buffer, and it is not a tunnel.
  @inline(__always)
  public var isRequestSent: Bool { outbound.side == .complete && outbound.cursor.pending == 0 && !isTunnel }

  /// Whether part of a response was received: the request will not be sent again.
  @inline(__always)
  public var hasResponseBegun: Bool {
    if case .relaying(let attempt) = state { attempt.hasBegun } else { false }
  }

  /// Whether the head of the final response was received.
  @inline(__always)
  public var hasResponseHead: Bool {
    guard case .relaying(let attempt) = state, case .head = attempt.response else { return false }
    return true
  }

  /// Whether the request is complete and its response has not begun.
  @inline(always)
  var awaitsResponse: Bool { outbound.side == .complete && responseSide == .head }

  /// Whether a client that has ended its direction, in order or by a reset, still waits for the response. A client that
  /// does so before the response has begun is treated as gone, as in other proxies: half-closing is rare, and clients
  /// that gave up would occupy slots at the server.
  @inline(__always)
  public func isAbandoned(hasEnded: Bool, isReset: Bool) -> Bool {
    isReset || hasEnded && awaitsResponse && kind != .opaque
  }

  /// Whether the whole response has been read and sent.
  @inline(always)
  var isResponseDelivered: Bool { inbound.side == .complete && inbound.cursor.pending == 0 }

  /// Whether both messages have been read to their ends, and all approved bytes have been sent.
  @inline(always)
  var isComplete: Bool { isResponseDelivered && outbound.side == .complete && outbound.cursor.pending == 0 }

  /// Whether the response has been sent and the rest of the request will not be read.
  @inline(always)
  var endsEarly: Bool {
    guard isResponseDelivered, case .relaying(let attempt) = state else { return false }
    return attempt.marks.contains(.requestWriteClosed)
      || attempt.mode != .tunnel && (outbound.side == .body || outbound.cursor.pending > 0)
  }

  /// Whether both messages have been sent, or the response has and the rest of the request will not be read. Mutating
  /// for the same reason as `earliestExpiry`.
  var isOver: Bool {
    mutating get { isComplete || endsEarly }
  }

  /// Whether the client's connection closes after a response of our own.
  public var closesClient: Bool { clientUse != .continues }

  /// Whether the client's connection may carry another request: both messages have been read to their ends, whether or
  /// not the server accepted all of the request.
  var clientMayContinue: Bool {
    isResponseDelivered && outbound.side == .complete && clientUse == .continues
  }

  /// Whether the server's connection may carry another request.
  var serverMayContinue: Bool {
    guard case .relaying(let attempt) = state, !attempt.marks.contains(.closesConnection) else { return false }
    return isComplete
  }

  /// The phase in which the exchange is, for the log.
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
