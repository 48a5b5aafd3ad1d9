/// Durations and sizes of the imported files.
enum Quantities {
  /// Milliseconds of a time of HAProxy's, `1500`, `30s`, `5m` (configuration.txt, section 2.5). Microseconds are rounded up.
  static func milliseconds(_ text: String) -> UInt64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let count = UInt64(digits) else { return nil }
    let factor: UInt64
    switch text.dropFirst(digits.count) {
    case "us": return count / 1000 + (count % 1000 == 0 ? 0 : 1)
    case "", "ms": factor = 1
    case "s": factor = 1000
    case "m": factor = 60_000
    case "h": factor = 3_600_000
    case "d": factor = 86_400_000
    default: return nil
    }
    let (product, overflow) = count.multipliedReportingOverflow(by: factor)
    return overflow ? nil : product
  }

  /// Milliseconds of seconds with a fraction, as in keepalived.conf.
  static func milliseconds(seconds text: String) -> UInt64? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = UInt64(parts[0].isEmpty ? "0" : parts[0]), whole < 1 << 40 else { return nil }
    guard parts.count == 2 else { return whole * 1000 }
    guard parts[1].allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    let fraction = String((parts[1] + "000").prefix(3))
    return UInt64(fraction).map { whole * 1000 + $0 }
  }

  /// As the configuration has it, in the largest unit without a fraction: `1m`, `90s`, `1500ms`.
  static func text(milliseconds: UInt64) -> String {
    for (unit, factor) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] as [(String, UInt64)]
    where milliseconds > 0 && milliseconds.isMultiple(of: factor) {
      // A day is written as hours, which the reference page uses.
      return unit == "d" ? "\(milliseconds / 3_600_000)h" : "\(milliseconds / factor)\(unit)"
    }
    return "\(milliseconds)ms"
  }

  /// A number with HAProxy's `k`, `m` or `g`, each a power of 1024.
  static func count(_ text: String) -> UInt64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let count = UInt64(digits) else { return nil }
    let shift: UInt64
    switch text.dropFirst(digits.count).lowercased() {
    case "": shift = 1
    case "k": shift = 1 << 10
    case "m": shift = 1 << 20
    case "g": shift = 1 << 30
    default: return nil
    }
    let (product, overflow) = count.multipliedReportingOverflow(by: shift)
    return overflow ? nil : product
  }
}
