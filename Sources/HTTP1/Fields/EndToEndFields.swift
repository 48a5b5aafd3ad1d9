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
    case .other: others.keys.contains(name)
    }
  }

  /// Why an operator must not edit a field that `KnownField` does not have; nil if it may be edited.
  static func objection(to name: FieldName) -> String? { others[name] ?? nil }

  /// With what speaks against editing them. `ETag` is omitted on purpose: RFC 9110 §8.8.3 allows it in a trailer section.
  private static let others: [FieldName: String?] = {
    let framing = "says where messages end"
    let hops = "counts proxies"
    let condition = "asks for a part or a version, which the response has to be"
    let credentials = "has credentials"
    let sessions = "has sessions, which servers and `affinity` depend on"
    let single = "is about one message"
    let fields: [(String, String?)] = [
      // Framing, routing and request modifiers (RFC 9110 §6.5.1).
      ("trailer", framing), ("max-forwards", hops), ("via", hops), ("cache-control", nil), ("pragma", nil),
      ("range", condition), ("if-match", condition), ("if-none-match", condition), ("if-modified-since", condition),
      ("if-unmodified-since", condition), ("if-range", condition),
      // Authentication and its substitutes.
      ("authentication-info", credentials), ("proxy-authentication-info", credentials), ("cookie", sessions),
      ("set-cookie", sessions), ("origin", "is what servers know requests of other sites by"),
      // Control data of a response.
      ("age", single), ("date", single), ("expires", nil), ("location", single), ("retry-after", single),
      ("vary", nil), ("warning", nil),
      // How the content is to be processed.
      ("content-encoding", framing), ("content-language", nil), ("content-location", single),
      ("content-range", framing), ("content-type", nil),
    ]
    return Dictionary(uniqueKeysWithValues: fields.map { (FieldName($0.0), $0.1) })
  }()
}
