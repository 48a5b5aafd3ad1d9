/// Where a message's body ends (RFC 9112 §6.3).
package enum Framing: BitwiseCopyable, Hashable, Sendable {
  /// There is no body.
  case none
  /// Exactly so many bytes.
  case length(UInt64)
  /// Chunks up to the last one and its trailer section.
  case chunked
  /// Everything until the server closes; answers only.
  case untilClose
}
