import Wire

extension RequestHead {
  /// Writes the head for the server: the same names, case and order; hop-by-hop fields (RFC 9110 §7.6.1) removed,
  /// X-Forwarded fields according to `forwarding`, and `Connection` according to `connection`. `.upgrade` means
  /// `.keepAlive` unless `upgradeRequested`.
  ///
  /// `bytes` must be those that the head was parsed from. Lines that are not rewritten are copied unchanged. The target
  /// is written in origin form. No `Via` is added, although RFC 9110 §7.6.3 requires one of a gateway: Connection
  /// Servers validate the fields they receive, and some servers disable compression for it.
  ///
  /// An HTTP/1.0 request stays HTTP/1.0 (the deliberate downgrade of RFC 9112 §2.3): the server then responds without
  /// chunks, which the client could not parse; a chunked response is refused.
  ///
  /// `certificate` has complete lines about the client's certificate. `added`: leaves out the lines that they remove and
  /// adds theirs.
  public func render<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, forwarding: ForwardedFields, certificate: Span<UInt8> = Span(), connection: Persistence,
    edits added: HeaderEdits? = nil, into sink: inout Sink
  ) {
    let upgrades = connection == .upgrade && upgradeRequested
    let extendsAddress = forwarding.isPeerTrusted && forwarding.addsFields && forwardedForEnd > 0
    if let added {
      let names = added.names
      var kept = RemovedLines(of: bytes, from: Int(start), names: names.span, lengths: added.lengths)
      appendLines(from: bytes, forwarding, upgrades: upgrades, to: &sink) { kept.append(from: $0, to: $1, into: &$2) }
      let lines = added.lines
      sink.append(lines.span)
    } else {
      appendLines(from: bytes, forwarding, upgrades: upgrades, to: &sink) { $2.append(bytes.extracting($0..<$1)) }
    }

    if upgrades {
      sink.append("Connection: Upgrade\r\n")
    } else if connection == .close {
      sink.append("Connection: close\r\n")
    } else if version == .http10 {
      sink.append("Connection: keep-alive\r\n")
    }
    if !certificate.isEmpty { sink.append(certificate) }
    let keepsProto = forwarding.isPeerTrusted && hasForwardedProto
    let keepsHost = forwarding.isPeerTrusted && hasForwardedHost
    let addsHost = forwarding.addsFields && !host.isEmpty && !keepsHost
    if forwarding.addsFields {
      forwarding.appendLines(address: !extendsAddress, proto: !keepsProto, host: addsHost, to: &sink)
    }
    if addsHost {
      sink.append(host.slice(of: bytes))
      sink.append("\r\n\r\n")
    } else {
      sink.append("\r\n")
    }
  }

  /// Appends the request line and the field lines; `append` copies a part of the head.
  @inline(always)
  private func appendLines<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, _ forwarding: ForwardedFields, upgrades: Bool, to sink: inout Sink,
    append: (Int, Int, inout Sink) -> Void
  ) {
    let extendsAddress = forwarding.isPeerTrusted && forwarding.addsFields && forwardedForEnd > 0
    var cursor = Int(start)
    for index in 0..<edits.count {
      let edit = edits[index]
      if edit.treatment == .dropUnlessUpgrade, upgrades { continue }
      if edit.treatment == .dropUnlessTrusted, forwarding.isPeerTrusted { continue }
      if edit.treatment == .certificateClaim, forwarding.isTrustedWithCertificates { continue }
      if edit.treatment == .clientAddress, forwarding.isPeerTrusted {
        guard extendsAddress, edit.range.end == Int(forwardedForEnd) else { continue }
        append(cursor, edit.range.end &- 2, &sink)
        sink.append(", ")
        forwarding.appendAddress(to: &sink)
        cursor = edit.range.end &- 2
        continue
      }
      if cursor < edit.range.start { append(cursor, edit.range.start, &sink) }
      cursor = edit.range.end
      edit.treatment.appendReplacement(upgrading: upgrades, to: &sink)
    }
    append(cursor, length &- 2, &sink)
  }
}

extension LineEdits.Treatment {
  /// Writes the replacement of the dropped bytes.
  func appendReplacement<Sink: ByteSink & ~Copyable>(upgrading: Bool, to sink: inout Sink) {
    switch self {
    case .drop, .clientAddress, .dropUnlessTrusted, .certificateClaim, .dropUnlessUpgrade: break
    case .replaceWithSlash: sink.append(UInt8(ascii: "/"))
    case .replaceWithAsterisk: sink.append(UInt8(ascii: "*"))
    case .replaceWithChunked: sink.append("chunked")
    case .writeAnewForUpgrade: if upgrading { sink.append("Upgrade: websocket\r\n") }
    }
  }
}
