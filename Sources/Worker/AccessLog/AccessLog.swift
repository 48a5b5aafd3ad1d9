import Balancing
import Configuration
import Domain
import Exchange
import Linux
import Wire

/// A loop's part of the access log: lines gather here during a turn, and go to the writer together at its end.
struct AccessLog: ~Copyable {
  /// What one entry takes at most: the first line of a request with every byte of it escaped is under 7 KiB, and all the
  /// rest is numbers and names.
  static let entryBytes = 16 << 10

  private(set) var isOpen = false
  private var format = AccessLogFormat.httplog
  private var hasFields = false
  private var requestLine: LoggedRequestLine
  private let hash: SecretHash
  private let writer: AccessLogWriter
  /// Storage for the lines of requests to come.
  private var spareLines: [[UInt8]] = []
  /// There is room for one more entry, always.
  private var lines = ByteWriter(limit: 64 << 10)
  /// Where each entry ends in them.
  private var ends: [Int] = []
  /// The second whose calendar was looked up last, and the calendar.
  private var second: (number: Int64, calendar: WallTime.Calendar)?

  /// `hash` is what parts of queries are told apart by.
  init(_ settings: Configuration.Log.Access?, writer: AccessLogWriter, hash: SecretHash) {
    self.writer = writer
    self.hash = hash
    requestLine = LoggedRequestLine(.hash, hash: hash)
    adopt(settings)
  }

  /// Takes over changed settings; nil: nothing is logged.
  mutating func adopt(_ settings: Configuration.Log.Access?) {
    isOpen = settings != nil
    format = settings?.format == .json ? .json : .httplog
    hasFields = settings?.target == .journal
    requestLine = LoggedRequestLine(settings?.queries ?? .hash, hash: hash)
  }

  /// Replaces `line` by what is logged of a request that begins with these bytes.
  mutating func write(firstLineOf input: borrowing Buffer, to line: inout [UInt8]) {
    if let spare = spareLines.popLast() { line = spare }
    requestLine.write(firstOf: input.bytes, to: &line)
  }

  /// Takes the storage of a line that is written.
  mutating func giveBack(_ line: inout [UInt8]) {
    if !line.isEmpty, spareLines.count < BufferPool.kept { spareLines.append(line) }
    line = []
  }

  /// Adds a line.
  mutating func add(_ entry: borrowing AccessEntry, monotonic now: Instant) {
    guard isOpen else { return }
    if lines.limit - lines.bytes.count < Self.entryBytes { endTurn() }
    let active = now - (entry.record.began ?? now)
    format.render(entry, at: now, began: calendar(Clock.wall() - active), into: &lines)
    if hasFields { entry.renderFields(into: &lines) }
    guard !lines.overflowed else {
      writer.noteLost(ends.count + 1)
      return forget()
    }
    ends.append(lines.bytes.count)
  }

  private mutating func calendar(_ time: WallTime) -> WallTime.Calendar {
    if second?.number != time.seconds { second = (time.seconds, Clock.local(time)) }
    var calendar = second?.calendar ?? Clock.local(time)
    calendar.millisecond = Int(time.nanosecond / 1_000_000)
    return calendar
  }

  /// Hands the turn's lines over.
  mutating func endTurn() {
    guard !ends.isEmpty else { return }
    writer.submit(AccessLogBatch(bytes: lines.bytes, ends: ends, hasFields: hasFields))
    forget()
  }

  private mutating func forget() {
    lines.removeAll()
    ends.removeAll(keepingCapacity: true)
  }
}
