import HTTP1
import Wire

/// One request and its answer on the way through: what may be relayed, when it is complete, what may be used again.
///
/// It holds no bytes and does no I/O. Its owner keeps two buffers of received bytes, the client's and the server's,
/// and offers them whenever some were added; the cursors say which of them may go out. Call order: `readRequestHead`
/// until it answers `.head`; `beginAttempt` and `connected` for every server tried; `sendRequestHead` once per
/// attempt; then `readRequestBody` and `readResponse` as bytes come, until `isComplete` or a failure. Instants never
/// go back.
public struct Exchange: Sendable {
  /// What comes next from one side.
  @usableFromInline
  package enum Side: Hashable, Sendable {
    case head
    case body
    /// Nothing more belongs to this exchange.
    case complete
    /// Opaque bytes until the end of the stream.
    case tunnel
  }

  @usableFromInline package internal(set) var requestSide = Side.head
  @usableFromInline package internal(set) var responseSide = Side.head
  package internal(set) var request: RequestHead?
  package internal(set) var response: ResponseHead?
  /// Into the buffer of the client's bytes.
  @usableFromInline package var requestCursor = Cursor()
  /// Into the buffer of the server's bytes.
  @usableFromInline package var responseCursor = Cursor()
  package var record = AccessRecord()
  /// When bytes last moved, in either direction.
  package var lastActivity: Instant
  /// When the connection became ready for this request's first byte.
  package let opened: Instant

  /// The first exchange of its connection: waiting for it counts as http-request, not as keep-alive.
  package let isFirst: Bool
  /// The client said, or the policy asks, that the connection ends with this exchange.
  @usableFromInline package internal(set) var clientCloses = false
  /// The client closed its direction. The answer still goes out.
  @usableFromInline package internal(set) var clientEnded = false
  /// The server may not be asked again on its connection.
  @usableFromInline package internal(set) var serverCloses = false
  /// The server's connection is bound to this client from here on.
  package internal(set) var isPrivate = false
  /// The answer began before the request's body had ended: a two-way stream.
  package internal(set) var isStream = false
  /// Both directions are, or were until they ended, opaque bytes.
  @usableFromInline package internal(set) var isTunnel = false

  /// A byte that was approved and is to go out as another one; an offset into the buffer that was offered last.
  @usableFromInline
  struct Overwrite: Hashable, Sendable {
    @usableFromInline let offset: Int
    @usableFromInline let octet: UInt8
  }

  @usableFromInline var overwrite: Overwrite?

  var scanner = HeadScanner()
  var responseScanner = HeadScanner()
  var requestBody = BodyTracker(.none)
  var responseBody = BodyTracker(.none)
  /// Nothing of the request has left the buffer, so all of it could be sent again.
  var isReplayable = true
  var retriesLeft: Int
  /// How long connections have been tried to be made, all attempts together.
  var searched = Interval.zero
  /// Attempts that met a shortage of this machine's own.
  var shortages = 0
  @usableFromInline var attempt = Attempt()

  package init(isFirst: Bool, policy: borrowing ExchangePolicy, at now: Instant) {
    self.isFirst = isFirst
    opened = now
    lastActivity = now
    retriesLeft = policy.retries
  }

  /// An exchange of opaque bytes, for connections that are passed through unread.
  package static func tunnel(policy: borrowing ExchangePolicy, at now: Instant) -> Exchange {
    var exchange = Exchange(isFirst: true, policy: policy, at: now)
    exchange.requestSide = .tunnel
    exchange.responseSide = .tunnel
    exchange.isTunnel = true
    exchange.clientCloses = true
    exchange.serverCloses = true
    exchange.record.began = now
    exchange.record.headRead = now
    return exchange
  }

  /// Both messages have been read to their ends, and everything approved has gone out.
  @inlinable
  public var isComplete: Bool {
    requestSide == .complete && responseSide == .complete && requestCursor.pending == 0 && responseCursor.pending == 0
  }

  /// The answer is complete and gone out, but nobody will read the rest of the request.
  @inlinable
  public var isAnsweredEarly: Bool {
    guard responseSide == .complete, responseCursor.pending == 0 else { return false }
    return attempt.isDeaf || !isTunnel && (requestSide == .body || requestCursor.pending > 0)
  }

  /// The request is complete, and its answer has not begun.
  @inlinable
  public var isUnanswered: Bool { requestSide == .complete && responseSide == .head }

  /// The byte of the buffer just offered that is to be written over before anything else is done with it.
  @inlinable
  public mutating func takeOverwrite() -> (offset: Int, octet: UInt8)? {
    guard let taken = overwrite else { return nil }
    overwrite = nil
    return (taken.offset, taken.octet)
  }

  /// The client's connection ends with this exchange.
  package mutating func endConnection() { clientCloses = true }

  /// The server's connection stays this client's, as the exchange before has decided.
  package mutating func keepPrivate() { isPrivate = true }

  /// The client's connection may carry another request: both messages have been read to their ends, whether or not the
  /// server took all of the one it answered.
  @inlinable
  public var clientMayContinue: Bool {
    requestSide == .complete && responseSide == .complete && responseCursor.pending == 0 && !clientCloses
      && !clientEnded
  }

  /// The server's connection may carry another request.
  @inlinable
  public var serverMayContinue: Bool { isComplete && !serverCloses }
}
