import Wire

/// What the server is told about the client: X-Forwarded-For, -Proto and -Host (the last is the request's own Host).
///
/// Made once per client connection. Fields in `X-Forwarded-` and X-Real-IP that the client sent itself are dropped,
/// unless the peer is a trusted proxy: then they are kept, and X-Forwarded-For is extended by the peer's address.
/// `Forwarded` (RFC 7239) is always dropped: Connection Servers do not accept it, and we could not extend it truly.
public struct ForwardedFields: BitwiseCopyable, Sendable {
  /// Whether the fields are sent, or extended, at all.
  public let addsFields: Bool
  /// Whether the peer is a proxy whose own X-Forwarded fields are believed.
  public let isPeerTrusted: Bool

  /// Whether the client came through TLS.
  let isSecure: Bool
  /// The client's address as it is sent: 39 bytes at most.
  let address: InlineArray<39, UInt8>
  let addressCount: UInt8

  /// The address is written as `IPAddress` writes it, an IPv6 one without brackets. `isSecure`: whether the client came
  /// through TLS, X-Forwarded-Proto is `https`, else `http`.
  public init(client: IPAddress, isSecure: Bool, addsFields: Bool = true, isPeerTrusted: Bool = false) {
    self.addsFields = addsFields
    self.isPeerTrusted = isPeerTrusted
    self.isSecure = isSecure
    var address: InlineArray<39, UInt8> = InlineArray(repeating: 0)
    var text = ByteWriter(limit: address.count)
    client.write(into: &text)
    for index in text.bytes.indices { address[index] = text.bytes[index] }
    self.address = address
    addressCount = UInt8(text.bytes.count)
  }

  /// Appends the client's address.
  func appendAddress<Sink: ByteSink & ~Copyable>(to sink: inout Sink) {
    sink.append(address.span.extracting(first: Int(addressCount)))
  }

  /// Appends the lines that are asked for; the value of Host and its CRLF belong behind the last.
  func appendLines<Sink: ByteSink & ~Copyable>(address: Bool, proto: Bool, host: Bool, to sink: inout Sink) {
    if address {
      sink.append("X-Forwarded-For: ")
      appendAddress(to: &sink)
      sink.append("\r\n")
    }
    if proto { sink.append(isSecure ? "X-Forwarded-Proto: https\r\n" : "X-Forwarded-Proto: http\r\n") }
    if host { sink.append("X-Forwarded-Host: ") }
  }
}
