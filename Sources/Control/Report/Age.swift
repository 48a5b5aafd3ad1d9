/// A duration as text: its two largest non-zero units, `3 d 2 h`, `1 m 35 s`.
package struct Age: CustomStringConvertible {
  private let seconds: UInt64

  /// Of so many seconds.
  package init(_ seconds: UInt64) { self.seconds = seconds }

  package var description: String {
    switch seconds {
    case ..<60: "\(seconds) s"
    case ..<600: Self.pair(seconds / 60, "m", seconds % 60, "s")
    case ..<3600: "\(seconds / 60) m"
    case ..<86_400: Self.pair(seconds / 3600, "h", seconds % 3600 / 60, "m")
    case ..<864_000: Self.pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h")
    default: "\(seconds / 86_400) d"
    }
  }

  private static func pair(_ large: UInt64, _ unit: String, _ small: UInt64, _ smaller: String) -> String {
    small == 0 ? "\(large) \(unit)" : "\(large) \(unit) \(small) \(smaller)"
  }
}
