import Balancing
import Configuration
import Domain
import Exchange
import Linux
import Wire

/// A loop's part of the access log: lines are collected during a turn and passed to the writer at its end.
struct AccessLog: ~Copyable {
  /// Maximum size of an entry: the request line with every byte escaped is under 7 KiB, and the rest consists of
  /// numbers and names, and the subject of a certificate, at most 2 KiB.
  static let entryBytes = 16 << 10

  private(set) var isOpen = false
  private var format = AccessLogFormat.httplog
  private var hasFields = false
  private var requestLine: LoggedRequestLine
  private let hash: SecretHash
  private let writer: AccessLogWriter
  /// Storage that is reused for the lines of future requests.
  private var spareLines: [[UInt8]] = []
  /// There is always room for one more entry.
  private var lines = ByteWriter(limit: 64 << 10)
  /// The end of each entry in `lines`.
  private var ends: [Int] = []
  /// The second for which the calendar was computed last, and that calendar.
  private var second: (number: Int64, calendar: WallTime.Calendar)?

  /// `hash`: the hash that replaces parts of queries.
  init(_ settings: Configuration.Log.Access?, writer: AccessLogWriter, hash: SecretHash) {
    self.writer = writer
    self.hash = hash
    requestLine = LoggedRequestLine(.hash, hash: hash)
    adopt(settings)
  }

  /// Applies changed settings; nil disables the log.
  mutating func adopt(_ settings: Configuration.Log.Access?) {
    isOpen = settings != nil
    format = settings?.format == .json ? .json : .httplog
    hasFields = settings?.target == .journal
    requestLine = LoggedRequestLine(settings?.queries ?? .hash, hash: hash)
  }

  /// Replaces `line` by the logged form of the request line at the start of these bytes.
  mutating func write(firstLineOf input: borrowing Buffer, to line: inout [UInt8]) {
    if let spare = spareLines.popLast() { line = spare }
    requestLine.write(firstOf: input.bytes, to: &line)
  }

  /// Reuses the storage of a written line.
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

  /// Passes the turn's lines to the writer.
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
