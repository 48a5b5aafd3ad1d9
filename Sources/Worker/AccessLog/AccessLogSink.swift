import Configuration
import Domain
import Linux
import Wire

/// The destination of the access log, used only by the writer's thread: a stream of lines, or a log daemon that
/// receives a datagram for each entry.
struct AccessLogSink: ~Copyable {
  /// Larger than any entry.
  private static let messageLimit = 1 << 16
  /// Syslog's severity of each line: informational, as in HAProxy.
  private static let severity: UInt8 = 6

  enum Form {
    case stream
    /// RFC 3164 as written by local programs: without a host name.
    case syslog
    /// The journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).
    case journal
  }

  private let form: Form
  private let facility: UInt8
  private let stream: Descriptor?
  private var daemon: DatagramSender
  /// The rest of a line of which the stream has accepted the beginning; it is written before anything else.
  private var rest: [UInt8] = []

  /// Opens the destination. A log daemon need not be running yet.
  init(_ target: Configuration.Log.AccessTarget, facility: LogFacility) throws(SystemError) {
    switch target {
    case .standardOutput: self.init(stream: try File.standardOutput())
    case .file(let path): self.init(stream: try File.appending(to: path))
    case .syslog: self.init(.syslog, at: "/dev/log", facility: facility)
    case .journal: self.init(.journal, at: "/run/systemd/journal/socket", facility: facility)
    }
  }

  private init(stream: consuming Descriptor) {
    form = .stream
    facility = 0
    self.stream = consume stream
    daemon = DatagramSender(path: "")
  }

  /// Creates the socket for a log daemon.
  init(_ form: Form, at path: String, facility: LogFacility) {
    self.form = form
    self.facility = facility.code
    stream = nil
    daemon = DatagramSender(path: path)
  }

  /// Whether a line was only partially accepted by the stream.
  var isInLine: Bool { !rest.isEmpty }

  /// Writes the entries, blocking as long as necessary, and returns the number of lost ones. A partially written line
  /// is not lost: its rest is kept for the next call.
  mutating func write(_ batch: AccessLogBatch) -> Int {
    switch form {
    case .stream: write(lines: batch)
    case .syslog: sendSyslog(batch)
    case .journal: sendJournal(batch)
    }
  }

  private mutating func write(lines batch: AccessLogBatch) -> Int {
    var bytes = batch.bytes
    if batch.hasFields {
      bytes = []
      batch.forEach { line, _ in bytes += line + [UInt8(ascii: "\n")] }
    }
    if isInLine { bytes = rest + bytes }
    var written = 0
    switch stream {
    case nil: return batch.ends.count
    case .some(let stream):
      do throws(SystemError) { try File.write(bytes.span, to: stream, written: &written) } catch {}
    }
    return keepRest(of: bytes, from: written, isInLine: written > 0 || isInLine)
  }

  /// Keeps the rest of the line at `written` if it was partially written, and returns the number of lines after it.
  private mutating func keepRest(of bytes: [UInt8], from written: Int, isInLine: Bool) -> Int {
    var start = written
    if isInLine, written == 0 || bytes[written - 1] != UInt8(ascii: "\n") {
      let end = bytes[written...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
      rest = Array(bytes[written..<end])
      start = end
    } else {
      rest = []
    }
    return bytes[start...].count { $0 == UInt8(ascii: "\n") }
  }

  private mutating func sendSyslog(_ batch: AccessLogBatch) -> Int {
    var header = ByteWriter(limit: 64)
    header.append("<")
    header.append(decimal: UInt64(facility * 8 + Self.severity))
    header.append(">")
    Clock.local(Clock.wall()).renderSyslog(into: &header)
    header.append(" belvedere[")
    header.append(decimal: UInt64(CurrentProcess.identifier))
    header.append("]: ")
    return send(batch) { line, _, message in
      message.append(header.bytes.span)
      message.append(line.span)
    }
  }

  private mutating func sendJournal(_ batch: AccessLogBatch) -> Int {
    var constant = ByteWriter(limit: 128)
    constant.append("PRIORITY=")
    constant.append(decimal: UInt64(Self.severity))
    constant.append("\nSYSLOG_FACILITY=")
    constant.append(decimal: UInt64(facility))
    constant.append("\nSYSLOG_IDENTIFIER=belvedere\nBELVEDERE_ROLE=worker\n")
    return send(batch) { line, fields, message in
      message.append("MESSAGE=")
      message.append(line.span)
      message.append("\n")
      message.append(fields.span)
      message.append(constant.bytes.span)
    }
  }

  private mutating func send(
    _ batch: AccessLogBatch,
    composing compose: (_ line: ArraySlice<UInt8>, _ fields: ArraySlice<UInt8>, inout ByteWriter) -> Void
  ) -> Int {
    var lost = 0
    var message = ByteWriter(limit: Self.messageLimit)
    batch.forEach { line, fields in
      message.removeAll()
      compose(line, fields, &message)
      if message.overflowed || !daemon.send(message.bytes.span) { lost += 1 }
    }
    return lost
  }
}
