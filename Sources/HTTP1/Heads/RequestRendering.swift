import Wire

extension RequestHead {
  /// Writes the head as the server is to see it: same names, case and order; hop-by-hop fields (RFC 9110 §7.6.1)
  /// removed, X-Forwarded fields as `forwarding` says, and `Connection` as `connection` says. `.upgrade` counts as
  /// `.keepAlive` unless `upgradeRequested`.
  ///
  /// `bytes` are those the head was parsed from. Every line that is not rewritten is copied as it came. The target goes
  /// out in origin form. No `Via` is added, though RFC 9110 §7.6.3 asks a gateway for one: Connection Servers check the
  /// fields they get, and some servers stop compressing for it.
  ///
  /// An HTTP/1.0 request stays HTTP/1.0 (the purposeful downgrade of RFC 9112 §2.3): the server then answers without
  /// chunks, which its client could not read, and one that answers in chunks nevertheless is refused.
  public func render<Sink: ByteSink & ~Copyable>(
    from bytes: Span<UInt8>, forwarding: ForwardedFields, connection: Persistence, into sink: inout Sink
  ) {
    let upgrades = connection == .upgrade && upgradeRequested
    let extendsAddress = forwarding.isPeerTrusted && forwarding.addsFields && forwardedForEnd > 0
    var cursor = Int(start)
    for index in 0..<edits.count {
      let edit = edits[index]
      if edit.treatment == .dropUnlessUpgrade, upgrades { continue }
      if edit.treatment == .dropUnlessTrusted, forwarding.isPeerTrusted { continue }
      if edit.treatment == .clientAddress, forwarding.isPeerTrusted {
        guard extendsAddress, edit.range.end == Int(forwardedForEnd) else { continue }
        sink.append(bytes.extracting(cursor..<(edit.range.end &- 2)))
        sink.append(", ")
        forwarding.appendAddress(to: &sink)
        cursor = edit.range.end &- 2
        continue
      }
      if cursor < edit.range.start { sink.append(bytes.extracting(cursor..<edit.range.start)) }
      cursor = edit.range.end
      edit.treatment.appendReplacement(upgrading: upgrades, to: &sink)
    }
    sink.append(bytes.extracting(cursor..<(length &- 2)))

    if upgrades {
      sink.append("Connection: Upgrade\r\n")
    } else if connection == .close {
      sink.append("Connection: close\r\n")
    } else if version == .http10 {
      sink.append("Connection: keep-alive\r\n")
    }
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
}

extension LineEdits.Treatment {
  /// Writes what stands in the place of the dropped bytes.
  func appendReplacement<Sink: ByteSink & ~Copyable>(upgrading: Bool, to sink: inout Sink) {
    switch self {
    case .drop, .clientAddress, .dropUnlessTrusted, .dropUnlessUpgrade: break
    case .replaceWithSlash: sink.append(UInt8(ascii: "/"))
    case .replaceWithAsterisk: sink.append(UInt8(ascii: "*"))
    case .replaceWithChunked: sink.append("chunked")
    case .writeAnewForUpgrade: if upgrading { sink.append("Upgrade: websocket\r\n") }
    }
  }
}
