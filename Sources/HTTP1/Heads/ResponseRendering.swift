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
  /// `added`: leaves out the lines that they remove and adds theirs, these not to an interim response.
  public func render<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, connection: Persistence, clientVersion: Version, edits added: HeaderEdits? = nil,
    into sink: inout Sink
  ) {
    if let added {
      let names = added.names
      var kept = RemovedLines(of: bytes, from: 0, names: names.span, lengths: added.lengths)
      appendLines(from: bytes, to: &sink) { kept.append(from: $0, to: $1, into: &$2) }
      if !isInterim {
        let lines = added.lines
        sink.append(lines.span)
      }
    } else {
      appendLines(from: bytes, to: &sink) { $2.append(bytes.extracting($0..<$1)) }
    }
    appendEnd(connection, clientVersion, to: &sink)
  }

  /// Appends the status line and the field lines; `append` copies a part of the head.
  @inline(always)
  private func appendLines<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, to sink: inout Sink, append: (Int, Int, inout Sink) -> Void
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
      if cursor < edit.range.start { append(cursor, edit.range.start, &sink) }
      cursor = edit.range.end
      edit.treatment.appendReplacement(upgrading: isUpgrade, to: &sink)
    }
    append(cursor, length &- 2, &sink)
  }

  private func appendEnd<Sink: ByteSink & ~Copyable>(
    _ connection: Persistence, _ clientVersion: Version, to sink: inout Sink
  ) {
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
