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
  public enum Side: Hashable, Sendable {
    case head
    case body
    /// Nothing more belongs to this exchange.
    case complete
    /// Opaque bytes until the end of the stream.
    case tunnel
  }

  public internal(set) var requestSide = Side.head
  public internal(set) var responseSide = Side.head
  public internal(set) var request: RequestHead?
  public internal(set) var response: ResponseHead?
  /// Into the buffer of the client's bytes.
  public var requestCursor = Cursor()
  /// Into the buffer of the server's bytes.
  public var responseCursor = Cursor()
  public var record = AccessRecord()
  /// When bytes last moved, in either direction.
  public var lastActivity: Instant
  /// When the connection became ready for this request's first byte.
  public let opened: Instant

  /// The first exchange of its connection: waiting for it counts as http-request, not as keep-alive.
  public let isFirst: Bool
  /// The client said, or the policy asks, that the connection ends with this exchange.
  public internal(set) var clientCloses = false
  /// The client closed its direction. The answer still goes out.
  public internal(set) var clientEnded = false
  /// The server may not be asked again on its connection.
  public internal(set) var serverCloses = false
  /// The server's connection is bound to this client from here on.
  public internal(set) var isPrivate = false
  /// The answer began before the request's body had ended: a two-way stream.
  public internal(set) var isStream = false
  /// Both directions are, or were until they ended, opaque bytes.
  public internal(set) var isTunnel = false

  /// A byte that was approved and is to go out as another one; an offset into the buffer that was offered last.
  struct Overwrite: Hashable, Sendable {
    let offset: Int
    let octet: UInt8
  }

  var overwrite: Overwrite?

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
  var attempt = Attempt()

  public init(isFirst: Bool, policy: borrowing ExchangePolicy, at now: Instant) {
    self.isFirst = isFirst
    opened = now
    lastActivity = now
    retriesLeft = policy.retries
  }

  /// An exchange of opaque bytes, for connections that are passed through unread.
  public static func tunnel(policy: borrowing ExchangePolicy, at now: Instant) -> Exchange {
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
  public var isComplete: Bool {
    requestSide == .complete && responseSide == .complete && requestCursor.pending == 0 && responseCursor.pending == 0
  }

  /// The answer is complete and gone out, but nobody will read the rest of the request.
  public var isAnsweredEarly: Bool {
    guard responseSide == .complete, responseCursor.pending == 0 else { return false }
    return attempt.isDeaf || !isTunnel && (requestSide == .body || requestCursor.pending > 0)
  }

  /// The request is complete, and its answer has not begun.
  public var isUnanswered: Bool { requestSide == .complete && responseSide == .head }

  /// The byte of the buffer just offered that is to be written over before anything else is done with it.
  public mutating func takeOverwrite() -> (offset: Int, octet: UInt8)? {
    guard let taken = overwrite else { return nil }
    overwrite = nil
    return (taken.offset, taken.octet)
  }

  /// The client's connection ends with this exchange.
  public mutating func endConnection() { clientCloses = true }

  /// The server's connection stays this client's, as the exchange before has decided.
  public mutating func keepPrivate() { isPrivate = true }

  /// The client's connection may carry another request: both messages have been read to their ends, whether or not the
  /// server took all of the one it answered.
  public var clientMayContinue: Bool {
    requestSide == .complete && responseSide == .complete && responseCursor.pending == 0 && !clientCloses
      && !clientEnded
  }

  /// The server's connection may carry another request.
  public var serverMayContinue: Bool { isComplete && !serverCloses }
}
