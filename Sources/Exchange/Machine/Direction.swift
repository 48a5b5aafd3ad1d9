import HTTP1

/// One direction of an exchange: how much of its message has been parsed and how much has been sent.
///
/// `scanner` is valid while `side` is `.head`, `body` while it is `.body`. They are not payloads of it: `side` is read
/// in every round of a relay, and matching an enum with a `BodyTracker` payload costs 300 instructions per request.
public struct Direction: BitwiseCopyable, Sendable {
  /// What the sender sends next.
  public internal(set) var side: Exchange.Side
  /// Position in the buffer of bytes received from the sender.
  public internal(set) var cursor = Cursor()
  var scanner = HeadScanner()
  var body = BodyTracker(.none)
  /// Number of bytes sent to the receiver before the message: it is unsent while there are no more.
  var sentBefore: UInt64 = 0

  init(_ side: Exchange.Side = .head) { self.side = side }

  /// The message's head is complete; with an empty body, so is the message.
  mutating func begin(_ framing: Framing, dropsTrailers: Bool) {
    body = BodyTracker(framing, dropsTrailers: dropsTrailers)
    side = body.isComplete ? .complete : .body
  }
}
