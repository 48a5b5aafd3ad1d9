/// A stretch of bytes inside a head: offsets from the first byte of the span that was parsed.
///
/// `0 ≤ start ≤ end ≤ 65535`. Offsets instead of a view, so that a head can be kept while its buffer moves.
public struct ByteRange: BitwiseCopyable, Hashable, Sendable {
  var low: UInt16
  var high: UInt16

  /// Offsets beyond 65535 cannot occur: `HeadLimits` keeps a head below that.
  public init(start: Int, end: Int) {
    low = UInt16(truncatingIfNeeded: start)
    high = UInt16(truncatingIfNeeded: end)
  }

  /// The range that holds nothing, for what a head does not have.
  public static var absent: ByteRange { ByteRange(start: 0, end: 0) }

  public var start: Int { Int(low) }
  public var end: Int { Int(high) }
  public var count: Int { end &- start }
  public var isEmpty: Bool { low == high }

  /// The bytes of the range. Traps when `bytes` is shorter than the span that the range was made from: a programmer's
  /// error, not a peer's.
  @_lifetime(copy bytes)
  public func slice(of bytes: Span<UInt8>) -> Span<UInt8> { bytes.extracting(start..<end) }
}
