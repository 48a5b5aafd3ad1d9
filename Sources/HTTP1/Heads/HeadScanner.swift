/// Tracks how far an incomplete head was searched, so that a slowly arriving head costs linear time.
///
/// Call `isWorthParsing` with all bytes of the head so far, each time some were added; parse only when it returns true.
/// Use a new scanner for each head.
public struct HeadScanner: BitwiseCopyable, Sendable {
  /// Bytes that were already parsed or searched.
  private var searched = 0

  public init() {}

  /// True on the first call, and then once the new bytes contain an empty line's end or reach `limits.bytes`. So a head
  /// that arrives at once is parsed once, and any other is parsed at most twice and searched once.
  public mutating func isWorthParsing(_ bytes: Span<UInt8>, limits: HeadLimits) -> Bool {
    guard bytes.count > searched else { return false }
    let start = searched
    searched = bytes.count
    if start == 0 || bytes.count >= limits.bytes { return true }
    for index in start..<bytes.count where bytes[index] == UInt8(ascii: "\n") {
      var previous = index &- 1
      if previous >= 0, bytes[previous] == UInt8(ascii: "\r") { previous &-= 1 }
      if previous >= 0, bytes[previous] == UInt8(ascii: "\n") { return true }
    }
    return false
  }
}
