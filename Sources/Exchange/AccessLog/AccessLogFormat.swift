import Wire

/// The format of access log lines.
public enum AccessLogFormat: Sendable {
  /// HAProxy's `option httplog`, so that existing tools can parse it:
  ///
  ///     192.0.2.7:50312 [22/Nov/2026:10:43:05.123] https~ servers/view01 0/0/1/4/6 200 3120 - - ---- 5/5/2/1/0 0/0 "GET / HTTP/1.1"
  case httplog
  /// One JSON object per line, with the same data as named members.
  case json

  /// Appends the line of an exchange that ends at `end`. `began` is the wall-clock time at which its request began.
  public func render(
    _ entry: borrowing AccessEntry, at end: Instant, began: WallTime.Calendar, into sink: inout some ByteSink
  ) {
    switch self {
    case .httplog: renderHTTPLog(entry, entry.record.timers(at: end), began, &sink)
    case .json: renderJSON(entry, entry.record.timers(at: end), began, &sink)
    }
    sink.append(UInt8(ascii: "\n"))
  }

  private func renderHTTPLog(
    _ entry: borrowing AccessEntry, _ timers: AccessRecord.Timers, _ began: WallTime.Calendar,
    _ sink: inout some ByteSink
  ) {
    let record = entry.record
    entry.client.address.write(into: &sink)
    sink.append(":")
    sink.append(decimal: UInt64(entry.client.port))
    sink.append(" [")
    began.renderCommonLog(into: &sink)
    sink.append("] ")
    sink.append(entry.frontend)
    if entry.isTLS { sink.append("~") }
    sink.append(" ")
    renderServer(entry, &sink)
    sink.append(" ")
    sink.append(timer: timers.request)
    for timer in [timers.wait, timers.connect, timers.response] {
      sink.append("/")
      sink.append(timer: timer)
    }
    sink.append("/")
    sink.append(decimal: timers.active)
    sink.append(" ")
    if record.status == 0 { sink.append("-1") } else { sink.append(decimal: UInt64(record.status)) }
    sink.append(" ")
    sink.append(decimal: record.bytesToClient)
    sink.append(" - - ")
    sink.append(record.termination.cause.rawValue)
    sink.append(record.termination.phase.rawValue)
    sink.append("-- ")
    for count in [entry.connections, entry.connections, entry.serverConnections, entry.serverConnections] {
      sink.append(decimal: UInt64(count))
      sink.append("/")
    }
    if record.redispatched { sink.append("+") }
    sink.append(decimal: UInt64(record.retries))
    sink.append(" ")
    sink.append(decimal: UInt64(entry.queue))
    sink.append("/0 \"")
    for byte in entry.requestLine {
      // HAProxy writes non-printable characters and quotes as #XX.
      if byte >= 0x20, byte < 0x7f, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "#") {
        sink.append(byte)
      } else {
        sink.append("#")
        sink.append(hexadecimal: byte)
      }
    }
    sink.append("\"")
  }

  private func renderServer(_ entry: borrowing AccessEntry, _ sink: inout some ByteSink) {
    // Requests that are denied or redirected before a server is chosen have no backend: the frontend's name is logged.
    if entry.record.termination.phase == .request {
      sink.append(entry.frontend)
      sink.append("/")
    } else if entry.service.isEmpty {
      sink.append("servers/")
    } else if entry.server == nil {
      sink.append(entry.service.utf8Span.span)
      sink.append("/")
    }
    // After the service's name.
    if let server = entry.server { sink.append(server.utf8Span.span) } else { sink.append("<NOSRV>") }
  }

  private func renderJSON(
    _ entry: borrowing AccessEntry, _ timers: AccessRecord.Timers, _ began: WallTime.Calendar,
    _ sink: inout some ByteSink
  ) {
    let record = entry.record
    sink.append("{\"time\":\"")
    began.renderISO8601(into: &sink)
    sink.append("\",\"client\":\"")
    entry.client.address.write(into: &sink)
    sink.append("\",\"client_port\":")
    sink.append(decimal: UInt64(entry.client.port))
    sink.append(",\"frontend\":\"")
    sink.append(entry.frontend)
    sink.append(entry.isTLS ? "\",\"tls\":true" : "\",\"tls\":false")
    if !entry.service.isEmpty {
      sink.append(",\"service\":")
      sink.append(jsonString: entry.service.utf8Span.span)
    }
    sink.append(",\"server\":")
    if let server = entry.server { sink.append(jsonString: server.utf8Span.span) } else { sink.append("null") }
    sink.append(number: "request_ms", timers.request)
    sink.append(number: "queue_ms", timers.wait)
    sink.append(number: "connect_ms", timers.connect)
    sink.append(number: "response_ms", timers.response)
    sink.append(number: "active_ms", timers.active)
    sink.append(number: "status", record.status == 0 ? nil : UInt64(record.status))
    sink.append(number: "bytes_to_client", record.bytesToClient)
    sink.append(number: "bytes_from_client", record.bytesFromClient)
    sink.append(",\"termination\":\"")
    sink.append(record.termination.cause.rawValue)
    sink.append(record.termination.phase.rawValue)
    sink.append("\"")
    sink.append(number: "retries", UInt64(record.retries))
    sink.append(record.redispatched ? ",\"redispatched\":true" : ",\"redispatched\":false")
    sink.append(number: "connections", UInt64(entry.connections))
    sink.append(number: "server_exchanges", UInt64(entry.serverConnections))
    sink.append(number: "server_queue", UInt64(entry.queue))
    if let rule = entry.rule {
      sink.append(",\"rule\":")
      sink.append(jsonString: rule.utf8Span.span)
    }
    if !entry.certificate.isEmpty {
      sink.append(",\"client_certificate\":")
      sink.append(jsonString: entry.certificate.span)
    }
    sink.append(",\"request\":")
    sink.append(jsonString: entry.requestLine.span)
    sink.append("}")
  }
}

extension ByteSink {
  fileprivate mutating func append(timer milliseconds: UInt64?) {
    if let milliseconds { append(decimal: milliseconds) } else { append("-1") }
  }

  fileprivate mutating func append(number name: StaticString, _ value: UInt64?) {
    append(",\"")
    append(name)
    append("\":")
    if let value { append(decimal: value) } else { append("null") }
  }

  fileprivate mutating func append(hexadecimal byte: UInt8) {
    for nibble in [byte >> 4, byte & 15] { append(nibble < 10 ? 0x30 + nibble : 0x41 + nibble - 10) }
  }

  /// Appends a JSON string. A byte that is not printable ASCII is written as the code point of its value (RFC 8259 §7).
  fileprivate mutating func append(jsonString bytes: Span<UInt8>) {
    append("\"")
    for index in bytes.indices {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        append(UInt8(ascii: "\\"))
        append(byte)
      case 0x20..<0x7f: append(byte)
      default:
        append("\\u00")
        append(hexadecimal: byte)
      }
    }
    append("\"")
  }
}
