import Wire

/// What the server is told about the client: X-Forwarded-For, -Proto and -Host (the last is the request's own Host).
///
/// Made once per client connection. Fields in `X-Forwarded-` and X-Real-IP that the client sent itself are dropped,
/// unless the peer is a trusted proxy: then they are kept, and X-Forwarded-For is extended by the peer's address.
/// `Forwarded` (RFC 7239) is always dropped: Connection Servers do not accept it, and we could not extend it truly.
package struct ForwardedFields: BitwiseCopyable, Sendable {
  /// The client's address as text, in the first `addressCount` bytes.
  @usableFromInline var address = InlineArray<39, UInt8>(repeating: 0)
  @usableFromInline var addressCount = 0
  /// Whether the client came through TLS: X-Forwarded-Proto is `https`, else `http`.
  package var isSecure: Bool
  /// Whether the fields are sent, or extended, at all.
  package var addsFields: Bool
  /// Whether the peer is a proxy whose own X-Forwarded fields are believed.
  package var isPeerTrusted: Bool

  /// The address is written as `IPAddress` writes it, an IPv6 one without brackets.
  package init(client: IPAddress, isSecure: Bool, addsFields: Bool = true, isPeerTrusted: Bool = false) {
    self.isSecure = isSecure
    self.addsFields = addsFields
    self.isPeerTrusted = isPeerTrusted
    var text = ByteWriter(limit: IPAddress.maximumTextBytes)
    client.write(into: &text)
    addressCount = min(text.bytes.count, address.count)
    for index in 0..<addressCount { address[index] = text.bytes[index] }
  }

  @inlinable
  func appendAddress<Sink: ByteSink & ~Copyable>(to sink: inout Sink) {
    sink.append(address.span.extracting(first: addressCount))
  }
}
