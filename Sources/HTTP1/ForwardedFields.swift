import Wire

/// What the server is told about the client: X-Forwarded-For, -Proto and -Host (the last is the request's own Host).
///
/// Made once per client connection. Fields in `X-Forwarded-` and X-Real-IP that the client sent itself are dropped,
/// unless the peer is a trusted proxy: then they are kept, and X-Forwarded-For is extended by the peer's address.
/// `Forwarded` (RFC 7239) is always dropped: Connection Servers do not accept it, and we could not extend it truly.
@usableFromInline
package struct ForwardedFields: BitwiseCopyable, Sendable {
  /// Whether the fields are sent, or extended, at all.
  @usableFromInline package let addsFields: Bool
  /// Whether the peer is a proxy whose own X-Forwarded fields are believed.
  @usableFromInline package let isPeerTrusted: Bool

  /// The lines as they are sent, written once: X-Forwarded-For and its CRLF, X-Forwarded-Proto and its CRLF,
  /// X-Forwarded-Host up to its value. 103 bytes with the longest address.
  @usableFromInline let text: InlineArray<104, UInt8>
  @usableFromInline let addressStart: Int
  @usableFromInline let protoStart: Int
  @usableFromInline let hostStart: Int
  @usableFromInline let end: Int

  /// The address is written as `IPAddress` writes it, an IPv6 one without brackets. `isSecure`: whether the client came
  /// through TLS, X-Forwarded-Proto is `https`, else `http`.
  package init(client: IPAddress, isSecure: Bool, addsFields: Bool = true, isPeerTrusted: Bool = false) {
    self.addsFields = addsFields
    self.isPeerTrusted = isPeerTrusted
    var text: InlineArray<104, UInt8> = InlineArray(repeating: 0)
    var lines = ByteWriter(limit: text.count)
    lines.append("X-Forwarded-For: ")
    addressStart = lines.bytes.count
    client.write(into: &lines)
    lines.append("\r\n")
    protoStart = lines.bytes.count
    lines.append(isSecure ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n")
    hostStart = lines.bytes.count
    lines.append("X-Forwarded-Host: ")
    end = lines.bytes.count
    for index in 0..<end { text[index] = lines.bytes[index] }
    self.text = text
  }

  /// Appends the client's address.
  @inlinable
  func appendAddress<Sink: ByteSink & ~Copyable>(to sink: inout Sink) {
    sink.append(text.span.extracting(addressStart..<(protoStart &- 2)))
  }

  /// Appends the lines that are asked for; the value of Host and its CRLF belong behind the last.
  @inlinable
  func appendLines<Sink: ByteSink & ~Copyable>(address: Bool, proto: Bool, host: Bool, to sink: inout Sink) {
    let lines = text.span
    if address, proto, host {
      sink.append(lines.extracting(first: end))
      return
    }
    if address { sink.append(lines.extracting(first: protoStart)) }
    if proto { sink.append(lines.extracting(protoStart..<hostStart)) }
    if host { sink.append(lines.extracting(hostStart..<end)) }
  }
}
