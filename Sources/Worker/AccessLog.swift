import Configuration
import Exchange
import Linux
import Wire

/// A loop's part of the access log: lines gather here during a turn, and go to the writer together at its end.
struct AccessLog: ~Copyable {
  /// A request line is logged up to here.
  static let requestLineBytes = 1024

  private(set) var isOpen = false
  private var format = AccessLogFormat.httplog
  private var hasFields = false
  private let writer: AccessLogWriter
  private var lines = ByteWriter(limit: 1 << 20)
  /// Where each entry ends in them.
  private var ends: [Int] = []
  /// The second whose calendar was looked up last, and the calendar.
  private var second: (number: UInt64, calendar: CalendarTime)?

  init(_ settings: Configuration.Log.Access?, writer: AccessLogWriter) {
    self.writer = writer
    adopt(settings)
  }

  /// Takes over changed settings; nil: nothing is logged.
  mutating func adopt(_ settings: Configuration.Log.Access?) {
    isOpen = settings != nil
    format = settings?.format == .json ? .json : .httplog
    hasFields = settings?.target == .journal
  }

  /// Adds a line.
  mutating func add(_ entry: borrowing AccessEntry, monotonic now: Instant) {
    guard isOpen else { return }
    let active = (now - (entry.record.began ?? now)).nanoseconds
    format.render(entry, at: now, began: calendarTime(Clock.wall() - active), into: &lines)
    if hasFields { entry.renderFields(into: &lines) }
    ends.append(lines.bytes.count)
  }

  private mutating func calendarTime(_ nanoseconds: UInt64) -> CalendarTime {
    let number = nanoseconds / 1_000_000_000
    if second?.number != number { second = (number, Clock.local(nanoseconds)) }
    var calendar = second?.calendar ?? Clock.local(nanoseconds)
    calendar.millisecond = Int(nanoseconds / 1_000_000 % 1000)
    return calendar
  }

  /// Hands the turn's lines over.
  mutating func endTurn() {
    guard !ends.isEmpty else { return }
    writer.submit(AccessLogBatch(bytes: lines.bytes, ends: ends, hasFields: hasFields))
    lines.removeAll()
    ends.removeAll(keepingCapacity: true)
  }
}
