/// Fields for all recipients of a message, or that affect its interpretation. `Connection` must not name them (RFC 9110
/// §7.6.1), and they must not be in a trailer section (RFC 9110 §6.5.1). One table for both: a field that is removed on
/// the way and a field that appears after routing enable the same attack.
enum EndToEndFields {
  static func contains(_ name: FieldName) -> Bool {
    switch KnownField(name) {
    case .contentLength, .transferEncoding, .host, .expect, .authorization, .wwwAuthenticate, .proxyAuthenticate,
      .persistentAuth, .forwarded, .forwardedFor, .forwardedProto, .forwardedHost, .forwardedOther, .realIP,
      .proxyClaim, .certificateClaim:
      true
    case .connection, .keepAlive, .proxyConnection, .close, .te, .upgrade, .proxyAuthorization, .proxy: false
    case .other: others.contains(name)
    }
  }

  /// `ETag` is omitted on purpose: RFC 9110 §8.8.3 allows it in a trailer section.
  private static let others = Set(
    [
      // Framing, routing and request modifiers (RFC 9110 §6.5.1).
      "trailer", "max-forwards", "via", "cache-control", "pragma", "range",
      "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
      // Authentication and its substitutes.
      "authentication-info", "proxy-authentication-info", "cookie", "set-cookie", "origin",
      // Control data of a response.
      "age", "date", "expires", "location", "retry-after", "vary", "warning",
      // How the content is to be processed.
      "content-encoding", "content-language", "content-location", "content-range", "content-type",
    ].map { FieldName($0) })
}
