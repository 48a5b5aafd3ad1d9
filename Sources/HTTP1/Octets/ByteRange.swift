/// A range of bytes in a head: offsets in the span that was parsed.
///
/// `0 ≤ start ≤ end ≤ 65535`. Offsets instead of a view, so that a head stays valid when its buffer moves.
public struct ByteRange: BitwiseCopyable, Hashable, Sendable {
  var low: UInt16
  var high: UInt16

  /// Offsets above 65535 can't occur: `HeadLimits` limits the size of a head.
  public init(start: Int, end: Int) {
    low = UInt16(truncatingIfNeeded: start)
    high = UInt16(truncatingIfNeeded: end)
  }

  /// The empty range, for what a head does not have.
  public static var absent: ByteRange { ByteRange(start: 0, end: 0) }

  public var start: Int { Int(low) }
  public var end: Int { Int(high) }
  public var count: Int { end &- start }
  public var isEmpty: Bool { low == high }

  /// The bytes of the range. Traps when `bytes` is shorter than the parsed span: a programmer error, not a peer's.
  @_lifetime(copy bytes)
  public func slice(of bytes: Span<UInt8>) -> Span<UInt8> { bytes.extracting(start..<end) }
}
