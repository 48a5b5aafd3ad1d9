import Wire

/// What the server is told about the client: X-Forwarded-For, -Proto and -Host.
///
/// Made once per client connection. Fields of these names that the client sent itself are dropped unless the peer is a
/// trusted proxy; see `RequestHead.render`. `Forwarded` (RFC 7239) is always dropped: Connection Servers refuse it.
package struct ForwardedFields: BitwiseCopyable, Sendable {
  /// The client's address as text, in the first `addressCount` bytes.
  @usableFromInline var address: InlineArray<46, UInt8>
  @usableFromInline var addressCount: Int
  /// Whether the client came through TLS: X-Forwarded-Proto is `https`, else `http`.
  package var isSecure: Bool
  /// Whether X-Forwarded-For is sent at all.
  package var addsClientAddress: Bool
  /// Whether the peer is a proxy whose own X-Forwarded fields are believed, kept and extended.
  package var isPeerTrusted: Bool

  /// The address is written as IPAddress writes it, an IPv6 one without brackets.
  package init(client: IPAddress, isSecure: Bool, addsClientAddress: Bool = true, isPeerTrusted: Bool = false) {
    address = InlineArray(repeating: 0)
    addressCount = 0
    self.isSecure = isSecure
    self.addsClientAddress = addsClientAddress
    self.isPeerTrusted = isPeerTrusted
  }
}
