import Wire

/// Numbers with a unit: `90m`, `16KiB`.
enum Quantity {
  /// Splits `90m` into number and unit; nil unless it begins with a digit.
  ///
  /// - Throws: when the number exceeds 64 bits.
  static func split(_ text: String) throws(Complaint) -> (count: UInt64, unit: String)? {
    let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard !digits.isEmpty else { return nil }
    guard let count = UInt64(String(Substring(digits))) else {
      throw Complaint(message: "`\(Node.shortened(text))` is too large")
    }
    return (count, String(text.dropFirst(digits.count)))
  }

  /// The amount in the smallest unit; nil when the text does not have the syntax of a quantity.
  static func parse(_ text: String, units: [Unit], example: String) throws(Complaint) -> UInt64? {
    guard let (count, unit) = try split(text) else { return nil }
    let names = units.map(\.name).joined(separator: ", ")
    guard !unit.isEmpty else {
      throw Complaint(
        message: "`\(text)` has no unit; expected one of \(names)", suggestion: "For example: \(example)")
    }
    guard let factor = units.first(where: { $0.name == unit })?.factor else {
      if unit.utf8.contains(where: { $0 == UInt8(ascii: ".") }) {
        throw Complaint(
          message: "`\(Node.shortened(text))` is not a whole number", suggestion: "For example: \(example)")
      }
      let word = unit.drop { $0 == " " }
      throw Complaint(
        message: "`\(Node.shortened(String(word)))` is not a unit; expected one of \(names)",
        suggestion: "For example: \(example)")
    }
    let (product, overflow) = count.multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }

  /// The amount in the largest unit that gives a whole number.
  static func write(_ amount: UInt64, units: [Unit]) -> String {
    let unit = units.filter { amount >= $0.factor && amount.isMultiple(of: $0.factor) }.max { $0.factor < $1.factor }
    guard let unit else { return "\(amount)\(units[0].name)" }
    return "\(amount / unit.factor)\(unit.name)"
  }

  struct Unit {
    let name: String
    /// Number of smallest units.
    let factor: UInt64
  }

  /// Factors in nanoseconds.
  static let time = [
    Unit(name: "ms", factor: 1_000_000), Unit(name: "s", factor: 1_000_000_000),
    Unit(name: "m", factor: 60_000_000_000), Unit(name: "h", factor: 3_600_000_000_000),
    Unit(name: "d", factor: 86_400_000_000_000),
  ]

  /// Factors in bytes.
  static let size = [
    Unit(name: "B", factor: 1), Unit(name: "kB", factor: 1000), Unit(name: "KiB", factor: 1024),
    Unit(name: "MB", factor: 1_000_000), Unit(name: "MiB", factor: 1 << 20),
  ]
}
