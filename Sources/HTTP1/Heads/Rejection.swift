/// Why a message is refused: one case for each reason that is distinguished in logs.
///
/// All are the peer's fault. The connection of the message is closed, because the start of the next message is unknown
/// or can't be trusted.
public enum Rejection: UInt8, Error, BitwiseCopyable, Hashable, CaseIterable, Sendable {
  // The start line.
  case requestLineMalformed, methodUnknown, methodNotAllowed
  case targetMalformed, targetTooLong, targetAuthorityMalformed, targetAuthorityNotHost
  case versionMalformed, versionNotSupported
  case statusLineMalformed, statusCodeInvalid, tooManyInterimAnswers

  // Field lines.
  case bareCarriageReturn, bareLineFeed, controlCharacter
  case fieldNameMalformed, fieldNameEmpty, fieldNameDisguised, spaceBeforeColon, lineFolding, colonMissing
  case headTooLarge, tooManyFieldLines, tooManyRewrittenLines

  // Field values.
  case hostMissing, hostRepeated, hostMalformed, hostNotServed
  case connectionMalformed, tooManyConnectionOptions, endToEndFieldNominated
  case expectationUnknown
  case upgradeNotRequested, upgradeMalformed, bytesBehindUpgrade
  case tooManyOfClient, rateExceeded
  case clientNotAllowed, pathAmbiguous
  case certificateOutdated

  // Framing of the message.
  case contentLengthMalformed, contentLengthRepeated, contentLengthTooLarge
  case transferEncodingMalformed, transferEncodingRepeated, transferCodingUnknown
  case transferEncodingWithContentLength, transferEncodingInHTTP10, transferEncodingToHTTP10
  case contentNotExpected

  // Framing of chunks.
  case chunkSizeMalformed, chunkSizeTooLarge, chunkExtensionMalformed, chunkExtensionTooLong, chunkNotTerminated
  case tooMuchChunkFraming, trailerFieldForbidden, trailersTooLarge
}

extension Rejection {
  /// The status for a refused request. A refused response from a server is always 502.
  public var status: Status {
    switch self {
    case .methodNotAllowed: .methodNotAllowed
    case .hostNotServed, .certificateOutdated: .misdirectedRequest
    case .tooManyOfClient: .serviceUnavailable
    case .rateExceeded: .tooManyRequests
    case .clientNotAllowed: .forbidden
    case .methodUnknown, .transferCodingUnknown: .notImplemented
    case .targetTooLong: .uriTooLong
    case .versionNotSupported: .versionNotSupported
    case .headTooLarge, .tooManyFieldLines, .tooManyRewrittenLines, .tooManyConnectionOptions, .trailersTooLarge:
      .headerFieldsTooLarge
    case .expectationUnknown: .expectationFailed
    case .contentLengthTooLarge, .chunkSizeTooLarge: .contentTooLarge
    default: .badRequest
    }
  }

  /// A short reason for the log; ASCII.
  public var reason: StaticString {
    switch self {
    case .requestLineMalformed: "malformed request line"
    case .methodUnknown: "unknown method"
    case .methodNotAllowed: "method is not relayed"
    case .targetMalformed: "malformed request target"
    case .targetTooLong: "request target too long"
    case .targetAuthorityMalformed: "malformed authority in the request target"
    case .targetAuthorityNotHost: "authority of the request target is not Host"
    case .versionMalformed: "malformed protocol version"
    case .versionNotSupported: "unsupported protocol version"
    case .statusLineMalformed: "malformed status line"
    case .statusCodeInvalid: "invalid status code"
    case .tooManyInterimAnswers: "too many interim answers"
    case .bareCarriageReturn: "CR without LF"
    case .bareLineFeed: "LF without CR"
    case .controlCharacter: "control character in a line"
    case .fieldNameMalformed: "malformed field name"
    case .fieldNameEmpty: "empty field name"
    case .fieldNameDisguised: "field name that some servers read as another"
    case .spaceBeforeColon: "white space in or after a field name"
    case .lineFolding: "folded or indented field line"
    case .colonMissing: "field line without a colon"
    case .headTooLarge: "head too large"
    case .tooManyFieldLines: "too many field lines"
    case .tooManyRewrittenLines: "too many hop-by-hop field lines"
    case .hostMissing: "no Host"
    case .hostRepeated: "more than one Host"
    case .hostMalformed: "malformed Host"
    case .hostNotServed: "Host is no name of the service"
    case .connectionMalformed: "malformed Connection"
    case .tooManyConnectionOptions: "too many connection options"
    case .endToEndFieldNominated: "Connection nominates an end-to-end field"
    case .expectationUnknown: "unknown expectation"
    case .upgradeNotRequested: "101 that was not asked for"
    case .upgradeMalformed: "101 without its Upgrade fields"
    case .bytesBehindUpgrade: "bytes behind an upgrade request"
    case .tooManyOfClient: "as many of this client are under way as may be (limits: connections-per-address)"
    case .rateExceeded: "more requests of this client than it may send in this time (rates: requests)"
    case .clientNotAllowed: "a client that may not come here (access)"
    case .certificateOutdated: "a client whose certificate is no longer enough (tls: client-certificates)"
    case .pathAmbiguous: "a path that servers may understand in different ways (access: paths)"
    case .contentLengthMalformed: "malformed Content-Length"
    case .contentLengthRepeated: "more than one Content-Length"
    case .contentLengthTooLarge: "Content-Length too large"
    case .transferEncodingMalformed: "malformed Transfer-Encoding"
    case .transferEncodingRepeated: "more than one Transfer-Encoding"
    case .transferCodingUnknown: "unknown transfer coding"
    case .transferEncodingWithContentLength: "Transfer-Encoding with Content-Length"
    case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
    case .transferEncodingToHTTP10: "Transfer-Encoding in the answer to HTTP/1.0"
    case .contentNotExpected: "content where none may be"
    case .chunkSizeMalformed: "malformed chunk size"
    case .chunkSizeTooLarge: "chunk size too large"
    case .chunkExtensionMalformed: "malformed chunk extension"
    case .chunkExtensionTooLong: "chunk extension too long"
    case .chunkNotTerminated: "chunk without CRLF behind it"
    case .tooMuchChunkFraming: "more chunk framing than content"
    case .trailerFieldForbidden: "field that may not be a trailer"
    case .trailersTooLarge: "trailer section too large"
    }
  }
}
