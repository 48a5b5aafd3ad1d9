/// Follows one message's body through the bytes that carry it, so that they can be relayed as they are, at once.
public struct BodyTracker: BitwiseCopyable, Sendable {
  /// How far the body has come.
  public enum State: BitwiseCopyable, Hashable, Sendable {
    /// More bytes belong to the body.
    case more
    /// The body has ended; bytes behind `accepted` belong to the next message.
    case complete
    /// What follows `accepted` is no body. Both connections are to be closed.
    case malformed(Rejection)
  }

  /// What was made of the bytes offered.
  public struct Progress: BitwiseCopyable, Hashable, Sendable {
    /// How many leading bytes of those offered belong to the body and may be relayed.
    public let accepted: Int
    public let state: State
    /// What the last byte accepted is to go out as, instead of what it is; the bytes behind it are to be offered next.
    /// Only where the body is relayed, and for white space that a server might not read as we do.
    public let replacement: UInt8?

    init(accepted: Int, state: State, replacement: UInt8? = nil) {
      self.accepted = accepted
      self.state = state
      self.replacement = replacement
    }
  }

  private enum Body: BitwiseCopyable, Sendable {
    case complete
    /// Bytes to come; more than 0.
    case length(UInt64)
    case chunked(ChunkedBody)
    case untilClose
  }

  private var body: Body
  /// Bytes of content so far; chunk framing and trailers are not counted.
  public private(set) var contentBytes: UInt64 = 0

  /// At the first byte behind the head.
  public init(_ framing: Framing) {
    switch framing {
    case .none, .length(0): body = .complete
    case .length(let length): body = .length(length)
    case .chunked: body = .chunked(ChunkedBody())
    case .untilClose: body = .untilClose
    }
  }

  /// Whether the body has ended; one that is not there has ended from the start.
  public var isComplete: Bool {
    if case .complete = body { true } else { false }
  }

  /// Takes the next bytes off the connection. Content is skipped, not looked at. After `.malformed`, it stays so.
  /// `relayed`: what is accepted goes on to somebody else.
  public mutating func advance(over bytes: Span<UInt8>, relayed: Bool = false) -> Progress {
    switch body {
    case .complete:
      return Progress(accepted: 0, state: .complete)
    case .length(let remaining):
      guard remaining <= UInt64(bytes.count) else {
        body = .length(remaining &- UInt64(bytes.count))
        contentBytes &+= UInt64(bytes.count)
        return Progress(accepted: bytes.count, state: .more)
      }
      body = .complete
      contentBytes &+= remaining
      return Progress(accepted: Int(truncatingIfNeeded: remaining), state: .complete)
    case .untilClose:
      contentBytes &+= UInt64(bytes.count)
      return Progress(accepted: bytes.count, state: .more)
    case .chunked(var chunks):
      let progress = chunks.advance(over: bytes, relayed: relayed)
      contentBytes = chunks.contentBytes
      body = progress.state == .complete ? .complete : .chunked(chunks)
      return progress
    }
  }

  /// The peer has closed: true when the body is complete, false when it is truncated (RFC 9112 §8).
  public mutating func end() -> Bool {
    if case .untilClose = body { body = .complete }
    return isComplete
  }
}
