/// A wall-clock time, which may jump in either direction: from the beginning of 1970 to the end of 9999 in UTC, without
/// leap seconds. Pure code takes it as a parameter.
public struct WallTime: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Whole seconds since 1970-01-01T00:00:00Z.
  public let seconds: Int64
  /// 0 to 999 999 999.
  public let nanosecond: UInt32

  /// The last time whose year has four digits.
  public static let last = WallTime(seconds: 253_402_300_799, nanosecond: 999_999_999)

  private init(seconds: Int64, nanosecond: UInt32) {
    self.seconds = seconds
    self.nanosecond = nanosecond
  }

  /// Seconds since 1970. A time outside the range becomes the nearest limit.
  public init(seconds: Int64) {
    self = seconds > Self.last.seconds ? .last : Self(seconds: max(0, seconds), nanosecond: 0)
  }

  /// Milliseconds since 1970. A time after the last becomes the last.
  public init(milliseconds: UInt64) {
    let time = Self(seconds: Int64(milliseconds / 1000), nanosecond: UInt32(milliseconds % 1000) * 1_000_000)
    self = min(time, .last)
  }

  /// The same; nil for a time after the last.
  public init?(exactMilliseconds milliseconds: UInt64) {
    self.init(milliseconds: milliseconds)
    guard self.milliseconds == milliseconds else { return nil }
  }

  /// Nanoseconds since 1970.
  public init(nanoseconds: UInt64) {
    self.init(seconds: Int64(nanoseconds / 1_000_000_000), nanosecond: UInt32(nanoseconds % 1_000_000_000))
  }

  /// Whole milliseconds since 1970, rounded down.
  public var milliseconds: UInt64 { UInt64(seconds) * 1000 + UInt64(nanosecond) / 1_000_000 }

  /// Nanoseconds since 1970; 64 bits of them last until 2554.
  public var nanoseconds: UInt64 {
    let (sum, overflow) = Interval.seconds(UInt64(seconds)).nanoseconds.addingReportingOverflow(UInt64(nanosecond))
    return overflow ? .max : sum
  }

  public static func < (left: WallTime, right: WallTime) -> Bool {
    (left.seconds, left.nanosecond) < (right.seconds, right.nanosecond)
  }

  /// The time from `earlier` to `later`; zero when `later` is before `earlier`.
  public static func - (later: WallTime, earlier: WallTime) -> Interval {
    Instant(nanoseconds: later.nanoseconds) - Instant(nanoseconds: earlier.nanoseconds)
  }

  /// Whole seconds from `earlier` to this time; 0 when this time is before `earlier`.
  public func seconds(since earlier: WallTime) -> UInt64 {
    self > earlier ? (milliseconds - earlier.milliseconds) / 1000 : 0
  }

  /// Not before the beginning of 1970.
  public static func - (time: WallTime, interval: Interval) -> WallTime {
    WallTime(
      nanoseconds: (Instant(nanoseconds: time.nanoseconds) - Instant(nanoseconds: interval.nanoseconds)).nanoseconds)
  }

  /// Not after 2554, the last time that fits in `nanoseconds`.
  public static func + (time: WallTime, interval: Interval) -> WallTime {
    WallTime(nanoseconds: (Instant(nanoseconds: time.nanoseconds) + interval).nanoseconds)
  }

  /// `2026-11-22T10:52:01.123Z` (RFC 3339 §5.6).
  public var description: String {
    var text = ByteWriter(limit: 32)
    calendar().renderISO8601(into: &text)
    return String(decoding: text.bytes, as: UTF8.self)
  }

  /// `2026-11-22`.
  public var date: String { String(description.prefix(10)) }

  /// Parses the form of `description`; nil for any other text.
  public init?(_ text: String) {
    let form = Array("0000-00-00T00:00:00.000Z".utf8)
    let bytes = Array(text.utf8)
    guard bytes.count == form.count else { return nil }
    var numbers: [Int64] = [0]
    for (byte, kind) in zip(bytes, form) {
      if kind == UInt8(ascii: "0") {
        guard let digit = byte.decimalDigit else { return nil }
        numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int64(digit)
      } else {
        guard byte == kind else { return nil }
        numbers.append(0)
      }
    }
    guard numbers[0] >= 1970, 1...12 ~= numbers[1], 1...31 ~= numbers[2] else { return nil }
    let day = Self.day(ofYear: numbers[0], numbers[1], numbers[2])
    self.init(
      seconds: day * 86_400 + (numbers[3] * 60 + numbers[4]) * 60 + numbers[5],
      nanosecond: UInt32(numbers[6]) * 1_000_000)
    guard description == text else { return nil }
  }

  // The Gregorian calendar in both directions. Years begin in March, so that the leap day is the last day of a year and
  // the first day of every month follows from its number alone; an era is 400 years.

  private static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
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

  private static func day(ofYear year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month > 2 ? year : year - 1
    let yearOfEra = year % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return year / 400 * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// The date and the time of day at an offset from UTC in minutes; not before 1970, nor after 9999.
  public func calendar(offsetMinutes: Int = 0) -> Calendar {
    let local = min(max(0, seconds + Int64(offsetMinutes) * 60), Self.last.seconds)
    let (year, month, day) = Self.date(ofDay: local / 86_400)
    return Calendar(
      year: Int(year), month: Int(month), day: Int(day), hour: Int(local / 3600 % 24), minute: Int(local / 60 % 60),
      second: Int(local % 60), millisecond: Int(nanosecond) / 1_000_000, offsetMinutes: offsetMinutes)
  }
}

extension WallTime: Codable {
  /// Decodes the description.
  public init(from decoder: any Decoder) throws {
    guard let time = WallTime(try String(from: decoder)) else {
      throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "no time"))
    }
    self = time
  }

  /// Encodes the description.
  public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}
