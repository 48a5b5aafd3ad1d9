/// How the end of a message's body is determined (RFC 9112 §6.3).
public enum Framing: BitwiseCopyable, Hashable, Sendable {
  /// There is no body.
  case none
  /// Exactly this many bytes.
  case length(UInt64)
  /// Chunks up to the last one and the trailer section.
  case chunked
  /// Everything until the server closes; responses only.
  case untilClose
}

/// The body-related fields of a head, before they are evaluated.
struct FramingFields: BitwiseCopyable, Hashable, Sendable {
  enum TransferEncoding: BitwiseCopyable, Hashable, Sendable {
    case absent, chunked, unknown, malformed, repeated
  }

  enum ContentLength: BitwiseCopyable, Hashable, Sendable {
    case absent, malformed, repeated, tooLarge
    case length(UInt64)
  }

  var transferEncoding = TransferEncoding.absent
  var contentLength = ContentLength.absent
}

/// The framing decision: a forwarded message can be read in only one way; an ambiguous one is refused.
///
/// One row per case; the first that matches applies. Where RFC 9112 §6.3 lets a recipient repair or refuse, these
/// tables refuse.
extension Framing {
  static func ofRequest(
    _ fields: FramingFields, method: Method, version: Version, allowsContentInGet: Bool = false
  ) throws(Rejection) -> Framing {
    let forbidsContent = method == .head || method == .get && !allowsContentInGet
    switch (fields.transferEncoding, fields.contentLength) {
    // §6.1: both together ought to be handled as an error; typical of request smuggling.
    case (let coding, let length) where coding != .absent && length != .absent: throw .transferEncodingWithContentLength
    // §6.1: "MUST treat the message as if the framing is faulty".
    case (let coding, _) where coding != .absent && version == .http10: throw .transferEncodingInHTTP10
    // §6.1, §7: an unknown coding, or one in addition to `chunked`: 501.
    case (.unknown, _): throw .transferCodingUnknown
    // §6.1: `chunked` twice, with parameters, or not last; and two lines where one is enough.
    case (.malformed, _): throw .transferEncodingMalformed
    case (.repeated, _): throw .transferEncodingRepeated
    // §6.3 item 5: not a number, a list, a sign; RFC 9110 §8.6 allows a list of equal values to be repaired or refused.
    case (_, .malformed): throw .contentLengthMalformed
    case (_, .repeated): throw .contentLengthRepeated
    case (_, .tooLarge): throw .contentLengthTooLarge
    // RFC 9110 §9.3.1, §9.3.2: content in GET and HEAD has no meaning, and some servers leave it unread and parse it as
    // the next request: "a potential request smuggling attack".
    case (.chunked, _) where forbidsContent: throw .contentNotExpected
    case (_, .length(1...)) where forbidsContent: throw .contentNotExpected
    // §6.3 item 4.
    case (.chunked, _): return .chunked
    // §6.3 item 6.
    case (.absent, .length(let length)): return length == 0 ? .none : .length(length)
    // §6.3 item 7: a request without either has no body.
    case (.absent, .absent): return .none
    }
  }

  /// A response with this status to `request`.
  static func ofResponse(
    _ fields: FramingFields, status: UInt16, version: Version, to request: AnsweredRequest
  ) throws(Rejection) -> Framing {
    let hasNoBody = status < 200 || status == 204
    switch (fields.transferEncoding, fields.contentLength) {
    // §6.1, §6.3 item 3: response splitting.
    case (let coding, let length) where coding != .absent && length != .absent: throw .transferEncodingWithContentLength
    // §6.1: faulty in HTTP/1.0, and "MUST NOT" to a client that did not send HTTP/1.1: it could not parse it.
    case (let coding, _) where coding != .absent && version == .http10: throw .transferEncodingInHTTP10
    case (let coding, _) where coding != .absent && request.version == .http10: throw .transferEncodingToHTTP10
    // §6.3 item 4 would read until close; a client that supports the coding may read it differently.
    case (.unknown, _): throw .transferCodingUnknown
    case (.malformed, _): throw .transferEncodingMalformed
    case (.repeated, _): throw .transferEncodingRepeated
    // §6.3 item 5: "the proxy MUST close the connection to the server, discard the received response, and send a 502".
    case (_, .malformed): throw .contentLengthMalformed
    case (_, .repeated): throw .contentLengthRepeated
    case (_, .tooLarge): throw .contentLengthTooLarge
    // §6.1, RFC 9110 §8.6: 1xx and 204 "MUST NOT" have either. A length of zero is a common mistake with the same
    // meaning, and is not forwarded.
    case (.chunked, _) where hasNoBody: throw .contentNotExpected
    case (_, .length(1...)) where hasNoBody: throw .contentNotExpected
    // §6.3 item 1: no body, whatever the fields state.
    case (_, _) where hasNoBody || status == 304 || request.isHead: return .none
    // §6.3 item 4.
    case (.chunked, _): return .chunked
    // §6.3 item 6.
    case (.absent, .length(let length)): return length == 0 ? .none : .length(length)
    // §6.3 item 8.
    case (.absent, .absent): return .untilClose
    }
  }
}
