import Wire

/// A body in the chunked transfer coding (RFC 9112 §7.1). All framing is validated octet by octet; content is skipped.
///
/// Stricter than the grammar: lines must end with CRLF, and everything except content is bounded. A valid part of a
/// line may be relayed before its end has arrived.
///
/// White space around the `;` and `=` of extensions must be accepted (RFC 9110 §5.6.3, RFC 9112 §7.1.1) but is not
/// relayed: some servers end the size there, others reject it. Since relayed bytes can't be moved, it is overwritten:
/// the first blank with an octet that makes the rest of the line one extension, everything after it with `_`. The line
/// keeps its length, and every server reads the same size in it.
struct ChunkedBody: BitwiseCopyable, Sendable {
  /// Digits of a chunk size, including leading zeros.
  static let maximumSizeDigits = 16
  /// The largest chunk size, corresponding to `maximumLengthDigits` for lengths.
  static let maximumSize: UInt64 = 1 << 60
  /// Extension bytes in one chunk-size line. Only attackers are known to use extensions.
  static let maximumExtensionBytes = 256
  /// The most framing bytes beyond what content allows (see `earn`): ten hours of small messages use none of it.
  static let maximumExcessBytes = 16_384

  private enum Step: BitwiseCopyable, Hashable, Sendable {
    case firstSizeDigit, sizeDigits
    /// After a blank where `;` must follow; after `;`; in a name; after a blank that ended it; after `=`; in a token;
    /// in a quoted string; after its `\`; after its end.
    case extensionDue, extensionStart, extensionName, extensionNameEnd, extensionValueStart, extensionToken,
      extensionQuoted, extensionEscaped, extensionQuotedEnd
    case sizeLineFeed
    case content, contentCarriageReturn, contentLineFeed
    case trailers
    case malformed(Rejection)
  }

  private var step = Step.firstSizeDigit
  /// The size while its line is read, then the remaining bytes of the chunk.
  private var remaining: UInt64 = 0
  private var sizeDigits = 0
  private var extensionBytes = 0
  private var excessBytes = 0
  /// A blank was found in this line: the rest of it is overwritten.
  private var isWrittenOver = false
  /// The octet to relay instead of the last one, if any.
  private var replacement: UInt8?
  private var trailers = TrailerSection()
  /// Whether names and values of trailers are written over: relayed bytes can't be taken out.
  private let dropsTrailers: Bool
  private(set) var contentBytes: UInt64 = 0

  init(dropsTrailers: Bool = false) { self.dropsTrailers = dropsTrailers }

  /// The number of content octets that directly follow.
  var contentAhead: UInt64 { step == .content ? remaining : 0 }

  mutating func advance(over bytes: Span<UInt8>, relayed: Bool) -> BodyTracker.Progress {
    var index = 0
    do throws(Rejection) {
      while index < bytes.count {
        switch step {
        case .content:
          let count = min(remaining, UInt64(bytes.count &- index))
          index &+= Int(truncatingIfNeeded: count)
          contentBytes &+= count
          remaining &-= count
          if remaining == 0 { step = .contentCarriageReturn }
        case .trailers:
          let isLast = try trailers.take(bytes[index])
          index &+= 1
          if isLast { return .init(accepted: index, state: .complete) }
          if dropsTrailers, relayed, bytes[index &- 1] != UInt8(ascii: "_"), trailers.isInNameOrValue {
            return .init(accepted: index, state: .more, replacement: UInt8(ascii: "_"))
          }
        default:
          try takeFraming(bytes[index])
          index &+= 1
          if isWrittenOver, let octet = takeReplacement(), relayed {
            return .init(accepted: index, state: .more, replacement: octet)
          }
        }
      }
      if case .malformed(let rejection) = step { throw rejection }
      return .init(accepted: index, state: .more)
    } catch {
      step = .malformed(error)
      return .init(accepted: index, state: .malformed(error))
    }
  }

  /// Processes one octet that is neither content nor trailer.
  private mutating func takeFraming(_ octet: UInt8) throws(Rejection) {
    switch step {
    case .firstSizeDigit, .sizeDigits: try takeSize(octet)
    case .sizeLineFeed:
      guard octet == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
      try startContent()
    case .contentCarriageReturn:
      guard octet == UInt8(ascii: "\r") else { throw .chunkNotTerminated }
      step = .contentLineFeed
    case .contentLineFeed:
      guard octet == UInt8(ascii: "\n") else { throw .chunkNotTerminated }
      step = .firstSizeDigit
    case .malformed(let rejection): throw rejection
    default: try takeExtension(octet)
    }
  }

  private mutating func takeSize(_ octet: UInt8) throws(Rejection) {
    if let digit = octet.hexadecimalDigit {
      if step == .firstSizeDigit {
        step = .sizeDigits
        remaining = 0
        sizeDigits = 0
        extensionBytes = 0
        isWrittenOver = false
      }
      sizeDigits &+= 1
      guard sizeDigits <= ChunkedBody.maximumSizeDigits, remaining < ChunkedBody.maximumSize >> 4 else {
        throw .chunkSizeTooLarge
      }
      remaining = remaining &<< 4 | UInt64(digit)
      return
    }
    guard step == .sizeDigits else { throw .chunkSizeMalformed }
    if octet.isBlank { return try takeExtension(octet) }
    try endElement(octet, orElse: .chunkSizeMalformed)
  }

  /// Processes one octet of `*( BWS ";" BWS name [ BWS "=" BWS value ] )`.
  private mutating func takeExtension(_ octet: UInt8) throws(Rejection) {
    extensionBytes &+= 1
    guard extensionBytes <= ChunkedBody.maximumExtensionBytes else { throw .chunkExtensionTooLong }
    if octet.isBlank, step != .extensionQuoted, step != .extensionEscaped { return takeBlank() }
    if isWrittenOver, octet != UInt8(ascii: "\r") { replacement = UInt8(ascii: "_") }
    switch step {
    case .extensionDue:
      guard octet == UInt8(ascii: ";") else { throw .chunkExtensionMalformed }
      step = .extensionStart
    case .extensionStart:
      guard octet.isTokenCharacter else { throw .chunkExtensionMalformed }
      step = .extensionName
    case .extensionName:
      if octet.isTokenCharacter { return }
      if octet == UInt8(ascii: "=") {
        step = .extensionValueStart
      } else {
        try endElement(octet, orElse: .chunkExtensionMalformed)
      }
    case .extensionNameEnd:
      guard octet == UInt8(ascii: "=") || octet == UInt8(ascii: ";") else { throw .chunkExtensionMalformed }
      step = octet == UInt8(ascii: "=") ? .extensionValueStart : .extensionStart
    case .extensionValueStart:
      guard octet.isTokenCharacter || octet == UInt8(ascii: "\"") else { throw .chunkExtensionMalformed }
      step = octet == UInt8(ascii: "\"") ? .extensionQuoted : .extensionToken
    case .extensionToken:
      if !octet.isTokenCharacter { try endElement(octet, orElse: .chunkExtensionMalformed) }
    case .extensionQuoted:
      if octet == UInt8(ascii: "\"") {
        step = .extensionQuotedEnd
      } else if octet == UInt8(ascii: "\\") {
        step = .extensionEscaped
      } else if !octet.isInValue {
        throw .chunkExtensionMalformed
      }
    case .extensionEscaped:
      guard octet.isInValue else { throw .chunkExtensionMalformed }
      step = .extensionQuoted
    default:
      try endElement(octet, orElse: .chunkExtensionMalformed)
    }
  }

  /// Processes a blank outside a quoted string.
  private mutating func takeBlank() {
    var octet = UInt8(ascii: "_")
    switch step {
    case .extensionStart, .extensionValueStart: break
    case .extensionName, .extensionNameEnd:
      if !isWrittenOver { octet = UInt8(ascii: ";") }
      step = .extensionNameEnd
    default:
      if !isWrittenOver { octet = UInt8(ascii: ";") }
      step = .extensionDue
    }
    isWrittenOver = true
    replacement = octet
  }

  private mutating func takeReplacement() -> UInt8? {
    defer { replacement = nil }
    return replacement
  }

  /// Processes the octet after a size or an extension: another extension, or the end of the line.
  private mutating func endElement(_ octet: UInt8, orElse rejection: Rejection) throws(Rejection) {
    switch octet {
    case UInt8(ascii: ";"): step = .extensionStart
    case UInt8(ascii: "\r"): step = .sizeLineFeed
    case UInt8(ascii: "\n"): throw .bareLineFeed
    default: throw rejection
    }
  }

  private mutating func startContent() throws(Rejection) {
    try earn()
    step = remaining == 0 ? .trailers : .content
  }

  /// Weighs a chunk's framing (its size line and the CRLF after it) against its content: 16 bytes plus the content size
  /// are allowed. A peer that sends mostly framing causes useless work.
  private mutating func earn() throws(Rejection) {
    let framing = sizeDigits &+ extensionBytes &+ 4
    let earned = 16 &+ Int(truncatingIfNeeded: min(remaining, UInt64(ChunkedBody.maximumExcessBytes)))
    excessBytes = max(0, excessBytes &+ framing &- earned)
    guard excessBytes <= ChunkedBody.maximumExcessBytes else { throw .tooMuchChunkFraming }
  }
}
