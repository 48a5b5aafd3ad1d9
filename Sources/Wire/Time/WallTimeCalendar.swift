extension WallTime {
  /// A time split into date and time of day.
  public struct Calendar: Sendable {
    let year: Int
    /// 1 to 12.
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    public var millisecond: Int
    /// Minutes east of UTC.
    let offsetMinutes: Int

    /// `22/Nov/2026:10:43:05.123`
    public func renderCommonLog(into sink: inout some ByteSink) {
      sink.append(decimal: day, digits: 2)
      sink.append("/")
      sink.append(monthName)
      sink.append("/")
      sink.append(decimal: year, digits: 4)
      sink.append(":")
      renderClock(into: &sink)
    }

    /// `2026-11-22T10:43:05.123+01:00` (RFC 3339 §5.6).
    public func renderISO8601(into sink: inout some ByteSink) {
      sink.append(decimal: year, digits: 4)
      sink.append("-")
      sink.append(decimal: month, digits: 2)
      sink.append("-")
      sink.append(decimal: day, digits: 2)
      sink.append("T")
      renderClock(into: &sink)
      guard offsetMinutes != 0 else { return sink.append("Z") }
      sink.append(offsetMinutes < 0 ? "-" : "+")
      sink.append(decimal: abs(offsetMinutes) / 60, digits: 2)
      sink.append(":")
      sink.append(decimal: abs(offsetMinutes) % 60, digits: 2)
    }

    /// `Nov  2 10:43:05` (RFC 3164 §4.1.2).
    public func renderSyslog(into sink: inout some ByteSink) {
      sink.append(monthName)
      sink.append(day < 10 ? "  " : " ")
      sink.append(decimal: UInt64(max(0, day)))
      sink.append(" ")
      renderSeconds(into: &sink)
    }

    /// `10:43:05.123`
    public func renderClock(into sink: inout some ByteSink) {
      renderSeconds(into: &sink)
      sink.append(".")
      sink.append(decimal: millisecond, digits: 3)
    }

    private func renderSeconds(into sink: inout some ByteSink) {
      sink.append(decimal: hour, digits: 2)
      sink.append(":")
      sink.append(decimal: minute, digits: 2)
      sink.append(":")
      sink.append(decimal: second, digits: 2)
    }

    private var monthName: StaticString {
      switch month {
      case 1: "Jan"
      case 2: "Feb"
      case 3: "Mar"
      case 4: "Apr"
      case 5: "May"
      case 6: "Jun"
      case 7: "Jul"
      case 8: "Aug"
      case 9: "Sep"
      case 10: "Oct"
      case 11: "Nov"
      default: "Dec"
      }
    }
  }
}

extension ByteSink {
  /// The last `digits` digits of a number, with leading zeros.
  fileprivate mutating func append(decimal number: Int, digits: Int) {
    var divisor = 1
    for _ in 1..<digits { divisor *= 10 }
    while divisor > 0 {
      append(UInt8(truncatingIfNeeded: 0x30 + number / divisor % 10))
      divisor /= 10
    }
  }
}
