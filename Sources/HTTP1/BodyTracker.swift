/// Follows one message's body through the bytes that carry it, so that they can be relayed as they are, at once.
package struct BodyTracker: BitwiseCopyable, Sendable {
  package enum State: BitwiseCopyable, Hashable, Sendable {
    /// More bytes belong to the body.
    case more
    /// The body has ended; bytes behind `accepted` belong to the next message.
    case complete
    /// What follows `accepted` is no body. Close both connections.
    case malformed(Rejection)
  }

  package struct Progress: BitwiseCopyable, Sendable {
    /// How many leading bytes of those offered belong to the body and may be relayed.
    package let accepted: Int
    package let state: State
  }

  /// Bytes of content so far, chunk framing and trailers not counted.
  package private(set) var contentBytes: UInt64 = 0
  private let framing: Framing

  package init(_ framing: Framing) {
    self.framing = framing
  }

  /// Whether the body has ended (for `.none` and `.length(0)`: from the start).
  package var isComplete: Bool { framing == .none }

  /// Takes the next bytes off the connection.
  package mutating func advance(over bytes: Span<UInt8>) -> Progress {
    Progress(accepted: 0, state: .more)
  }

  /// The peer has closed: true when the body is complete, false when it is truncated (RFC 9112 §8).
  package mutating func end() -> Bool { framing == .untilClose }
}
