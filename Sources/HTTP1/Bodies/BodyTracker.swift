/// Finds the end of a message's body while its bytes are relayed.
public struct BodyTracker: BitwiseCopyable, Sendable {
  /// The state of the body.
  public enum State: BitwiseCopyable, Hashable, Sendable {
    /// More bytes belong to the body.
    case more
    /// The body has ended; bytes after `accepted` belong to the next message.
    case complete
    /// The bytes after `accepted` are invalid. Both connections must be closed.
    case malformed(Rejection)
  }

  /// The result for the bytes passed in.
  public struct Progress: BitwiseCopyable, Hashable, Sendable {
    /// How many of the leading bytes belong to the body and may be relayed.
    public let accepted: Int
    public let state: State
    /// What the last accepted byte must be replaced with when relayed; pass in the bytes after it next. Only for a
    /// relayed body, for white space that servers may parse differently.
    public let replacement: UInt8?

    init(accepted: Int, state: State, replacement: UInt8? = nil) {
      self.accepted = accepted
      self.state = state
      self.replacement = replacement
    }
  }

  private enum Body: BitwiseCopyable, Sendable {
    case complete
    /// Remaining bytes; more than 0.
    case length(UInt64)
    case chunked(ChunkedBody)
    case untilClose
  }

  private var body: Body
  /// Content bytes so far, without chunk framing and trailers.
  public private(set) var contentBytes: UInt64 = 0

  /// Starts at the first byte after the head. `dropsTrailers`: the trailers of a relayed body are written over.
  public init(_ framing: Framing, dropsTrailers: Bool = false) {
    switch framing {
    case .none, .length(0): body = .complete
    case .length(let length): body = .length(length)
    case .chunked: body = .chunked(ChunkedBody(dropsTrailers: dropsTrailers))
    case .untilClose: body = .untilClose
    }
  }

  /// Whether the body has ended; true from the start when there is none.
  public var isComplete: Bool {
    if case .complete = body { true } else { false }
  }

  /// The number of content bytes that directly follow, as far as it is known.
  public var contentAhead: UInt64 {
    switch body {
    case .complete: 0
    case .length(let remaining): remaining
    case .chunked(let chunks): chunks.contentAhead
    case .untilClose: .max
    }
  }

  /// Processes the next received bytes. Content is skipped. `.malformed` is final. `relayed`: accepted bytes are sent
  /// on.
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

  /// Handles the peer's close: true when the body is complete, false when it is truncated (RFC 9112 §8).
  public mutating func end() -> Bool {
    if case .untilClose = body { body = .complete }
    return isComplete
  }
}
