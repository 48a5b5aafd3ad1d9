/// The result of parsing a head at the start of some bytes.
public enum Parsed<Head: BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable {
  /// The bytes may be the start of a head; more are needed.
  case incomplete
  case head(Head)
  /// The head is invalid, whatever follows. The connection must be closed.
  case rejected(Rejection)
}
