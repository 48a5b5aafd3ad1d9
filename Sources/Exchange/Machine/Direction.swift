import HTTP1

/// One direction of an exchange: how far its message has been read, and how much of it has gone out.
///
/// `scanner` matters while `side` is `.head`, `body` while it is `.body`. They are no payloads of it: `side` is asked for in
/// every round of a relay, and finding the case of an enum around a `BodyTracker` takes 300 instructions a request.
public struct Direction: BitwiseCopyable, Sendable {
  /// What comes next from its sender.
  public internal(set) var side: Exchange.Side
  /// Into the buffer of the bytes received from its sender.
  public internal(set) var cursor = Cursor()
  var scanner = HeadScanner()
  var body = BodyTracker(.none)

  init(_ side: Exchange.Side = .head) { self.side = side }

  /// The message's head is complete, and so may its body be.
  mutating func begin(_ framing: Framing) {
    body = BodyTracker(framing)
    side = body.isComplete ? .complete : .body
  }
}
