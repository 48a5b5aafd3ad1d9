/// A moment of the wall clock, as people and other programs read it. Pure code is handed moments; it never asks for one.
package struct Moment: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
  package let milliseconds: UInt64

  /// The last moment that four digits of a year can tell.
  package static let last = Moment(milliseconds: 253_402_300_799_999)

  package init(milliseconds: UInt64) { self.milliseconds = milliseconds }

  package static func < (left: Moment, right: Moment) -> Bool { left.milliseconds < right.milliseconds }

  /// Whole seconds from `earlier` to this moment; 0 when they are the wrong way round.
  package func seconds(since earlier: Moment) -> UInt64 {
    milliseconds > earlier.milliseconds ? (milliseconds - earlier.milliseconds) / 1000 : 0
  }

  /// `2026-11-22T10:52:01.123Z` (RFC 3339 §5.6), at most `last`.
  package var description: String {
    let milliseconds = min(milliseconds, Self.last.milliseconds)
    let (year, month, day) = Self.date(ofDay: milliseconds / 86_400_000)
    let second = milliseconds / 1000 % 86_400
    return Self.digits(year, 4) + "-" + Self.digits(month, 2) + "-" + Self.digits(day, 2) + "T"
      + Self.digits(second / 3600, 2) + ":" + Self.digits(second / 60 % 60, 2) + ":" + Self.digits(second % 60, 2)
      + "." + Self.digits(milliseconds % 1000, 3) + "Z"
  }

  /// `2026-11-22`.
  package var date: String { String(description.prefix { $0 != "T" }) }

  /// Reads what `description` wrote, and nothing else.
  package init?(_ text: String) {
    let form = Array("0000-00-00T00:00:00.000Z".utf8)
    let bytes = Array(text.utf8)
    guard bytes.count == form.count else { return nil }
    var numbers: [UInt64] = [0]
    for (byte, kind) in zip(bytes, form) {
      if kind == UInt8(ascii: "0") {
        guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
        numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + UInt64(byte - UInt8(ascii: "0"))
      } else {
        guard byte == kind else { return nil }
        numbers.append(0)
      }
    }
    guard numbers[0] >= 1970, 1...12 ~= numbers[1], 1...31 ~= numbers[2] else { return nil }
    let day = Self.day(ofYear: numbers[0], numbers[1], numbers[2])
    let clock = ((numbers[3] * 60 + numbers[4]) * 60 + numbers[5]) * 1000 + numbers[6]
    self.init(milliseconds: day * 86_400_000 + clock)
    guard description == text else { return nil }
  }

  // The Gregorian calendar in both directions. Years are counted from March, so that the leap day is a year's last and
  // every month's first day follows from its number alone; an era is 400 years.

  private static func date(ofDay day: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
    let fromMarch = day + 719_468
    let era = fromMarch / 146_097
    let dayOfEra = fromMarch % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    return (
      era * 400 + yearOfEra + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9,
      dayOfYear - (153 * month + 2) / 5 + 1
    )
  }

  private static func day(ofYear year: UInt64, _ month: UInt64, _ day: UInt64) -> UInt64 {
    let year = month > 2 ? year : year - 1
    let yearOfEra = year % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return year / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func digits(_ number: UInt64, _ width: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}
