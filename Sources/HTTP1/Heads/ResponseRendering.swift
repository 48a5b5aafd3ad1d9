import Wire

extension ResponseHead {
  /// Writes the head for a client with `clientVersion`: always as HTTP/1.1, our own version (RFC 9112 §2.3), with
  /// hop-by-hop fields removed (RFC 9110 §7.6.1) and `Connection` according to `connection`. Exceptions: `.keepAlive`
  /// becomes `.close` when the body ends with the connection; `Upgrade` is written for 101, and only for it; an interim
  /// response has no `Connection`.
  ///
  /// `bytes` must be those that the head was parsed from. Lines that are not rewritten are copied unchanged. A chunked
  /// body never reaches an HTTP/1.0 client: its request was sent as HTTP/1.0, and a chunked response to that is
  /// refused.
  ///
  /// `edits`: adds their lines, but not to an interim response; see `removeLines`.
  public func render<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, connection: Persistence, clientVersion: Version, edits added: HeaderEdits? = nil,
    into sink: inout Sink
  ) {
    var cursor = 0
    if version == .http10 || !hasReasonSpace {
      sink.append("HTTP/1.1")
      sink.append(bytes.extracting(8..<12))
      sink.append(UInt8(ascii: " "))
      cursor = hasReasonSpace ? 13 : 12
    }
    for index in 0..<edits.count {
      let edit = edits[index]
      if edit.treatment == .dropUnlessUpgrade, isUpgrade { continue }
      if cursor < edit.range.start { sink.append(bytes.extracting(cursor..<edit.range.start)) }
      cursor = edit.range.end
      edit.treatment.appendReplacement(upgrading: isUpgrade, to: &sink)
    }
    sink.append(bytes.extracting(cursor..<(length &- 2)))
    if let added, !isInterim {
      let lines = added.lines
      sink.append(lines.span)
    }

    if isUpgrade {
      sink.append("Connection: Upgrade\r\n\r\n")
    } else if isInterim {
      sink.append("\r\n")
    } else if connection == .close || framing == .untilClose {
      sink.append("Connection: close\r\n\r\n")
    } else if clientVersion == .http10 {
      sink.append("Connection: keep-alive\r\n\r\n")
    } else {
      sink.append("\r\n")
    }
  }
}
