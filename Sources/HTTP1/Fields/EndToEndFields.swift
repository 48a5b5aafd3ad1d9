/// Names that are for all recipients of a message or decide how it is understood. `Connection` may not nominate them
/// (RFC 9110 §7.6.1), and they may not stand in a trailer section (RFC 9110 §6.5.1): one table for both, since a field
/// that vanishes half-way and a field that appears after the message was routed are the same attack.
enum EndToEndFields {
  static func contains(_ name: FieldName) -> Bool {
    switch KnownField(name) {
    case .contentLength, .transferEncoding, .host, .expect, .authorization, .wwwAuthenticate, .proxyAuthenticate,
      .persistentAuth, .forwarded, .forwardedFor, .forwardedProto, .forwardedHost, .forwardedOther, .realIP,
      .proxyClaim:
      true
    case .connection, .keepAlive, .proxyConnection, .close, .te, .upgrade, .proxyAuthorization, .proxy: false
    case .other: others.contains(name)
    }
  }

  /// `ETag` is missing on purpose: RFC 9110 §8.8.3 allows it in a trailer section.
  private static let others = Set(
    [
      // Framing, routing and request modifiers (RFC 9110 §6.5.1).
      "trailer", "max-forwards", "via", "cache-control", "pragma", "range",
      "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
      // Authentication and what stands in for it.
      "authentication-info", "proxy-authentication-info", "cookie", "set-cookie", "origin",
      // Control data of an answer.
      "age", "date", "expires", "location", "retry-after", "vary", "warning",
      // How the content is to be processed.
      "content-encoding", "content-language", "content-location", "content-range", "content-type",
    ].map { FieldName($0) })
}
