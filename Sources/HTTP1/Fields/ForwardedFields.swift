import Wire

/// The fields that inform the server about the client: X-Forwarded-For, -Proto and -Host (the request's own Host).
///
/// Created once per client connection. X-Forwarded- fields and X-Real-IP from the client are dropped. From a trusted
/// proxy they are kept, and the peer's address is appended to X-Forwarded-For. `Forwarded` (RFC 7239) is always
/// dropped: Connection Servers do not accept it, and we could not extend it correctly.
public struct ForwardedFields: BitwiseCopyable, Sendable {
  /// Whether the fields are sent or extended.
  public let addsFields: Bool
  /// Whether the peer is a trusted proxy, whose X-Forwarded fields are kept.
  public let isPeerTrusted: Bool

  /// Whether the peer is trusted with fields about a client's certificate.
  let isTrustedWithCertificates: Bool
  /// Whether the client uses TLS.
  let isSecure: Bool
  /// The client's address as text, at most 39 bytes.
  let address: InlineArray<39, UInt8>
  let addressCount: UInt8

  /// The address is in the format of `IPAddress`, IPv6 without brackets. `isSecure`: the client uses TLS, and
  /// X-Forwarded-Proto is `https` instead of `http`. `verifiesCertificates`: those of clients are verified here, so that
  /// the peer's word for them is never taken.
  public init(
    client: IPAddress, isSecure: Bool, addsFields: Bool = true, isPeerTrusted: Bool = false,
    verifiesCertificates: Bool = false
  ) {
    self.addsFields = addsFields
    self.isPeerTrusted = isPeerTrusted
    isTrustedWithCertificates = isPeerTrusted && !verifiesCertificates
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

  /// Appends the selected lines; with `host` the caller must append the value of Host and a CRLF.
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
