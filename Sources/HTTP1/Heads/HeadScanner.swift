/// Remembers how far an unfinished head was searched, so that one which trickles in costs linear time.
///
/// Ask `isWorthParsing` with all bytes received of the head so far, whenever some were added; parse only when it says
/// so. Start a new one for each head.
public struct HeadScanner: BitwiseCopyable, Sendable {
  /// Bytes that need not be looked at again; all of them were parsed or searched in vain.
  private var searched = 0

  public init() {}

  /// True the first time, and then once the new bytes end an empty line or reach `limits.bytes`. So a head that comes
  /// whole is read once, and any other at most twice and searched once.
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
