/// What came of reading a head from the start of some bytes.
public enum Parsed<Head: BitwiseCopyable & Sendable>: BitwiseCopyable, Sendable {
  /// Everything there is may be the beginning of a head; more bytes are needed.
  case incomplete
  case head(Head)
  /// No further byte can make it good. The connection is to be closed.
  case rejected(Rejection)
}
