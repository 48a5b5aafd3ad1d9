/// A moment of the wall clock as logs write it (RFC 3339), in UTC.
struct Timestamp: CustomStringConvertible {
  /// Since 1970-01-01T00:00:00Z, leap seconds not counted.
  let milliseconds: UInt64

  /// `2025-11-22T10:52:01.123Z`.
  var description: String {
    let (year, month, day) = date
    let second = milliseconds / 1000 % 86_400
    return Self.digits(year, 4) + "-" + Self.digits(month, 2) + "-" + Self.digits(day, 2) + "T"
      + Self.digits(second / 3600, 2) + ":" + Self.digits(second / 60 % 60, 2) + ":" + Self.digits(second % 60, 2)
      + "." + Self.digits(milliseconds % 1000, 3) + "Z"
  }

  /// The Gregorian date. Years are counted from March, so that the leap day is a year's last and every month's first
  /// day follows from its number alone.
  private var date: (year: UInt64, month: UInt64, day: UInt64) {
    let daysFromMarch0 = milliseconds / 86_400_000 + 719_468
    let era = daysFromMarch0 / 146_097
    let dayOfEra = daysFromMarch0 % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  private static func digits(_ number: UInt64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
