/// The trailer section after the last chunk (RFC 9112 §7.1.2), validated octet by octet: the rules of field lines, and
/// no field that must be known before the content (RFC 9110 §6.5.1).
struct TrailerSection: BitwiseCopyable, Sendable {
  /// Bytes of all lines. Trailers contain checksums and states, not cookies.
  static let maximumBytes = 4_096
  static let maximumLines = 32

  private enum Step: BitwiseCopyable, Sendable {
    case lineStart, name, value, lineFeed, lastLineFeed
  }

  private var step = Step.lineStart
  /// The name with `-` for every character that is not a letter or digit, as some servers map it.
  private var plainName = FieldName()
  private var bytes = 0
  private var lines = 0
  /// Whether the last octet was part of a name or a value, and not of what separates them.
  private(set) var isInNameOrValue = false

  /// Processes one octet; true for the last one of the section, which ends the body.
  mutating func take(_ octet: UInt8) throws(Rejection) -> Bool {
    bytes &+= 1
    guard bytes <= TrailerSection.maximumBytes else { throw .trailersTooLarge }
    let isInValue = step == .value
    defer { isInNameOrValue = step == .name || isInValue && step == .value }
    switch step {
    case .lineStart: try startLine(octet)
    case .name: try takeName(octet)
    case .value:
      if octet == UInt8(ascii: "\r") {
        step = .lineFeed
      } else if !octet.isInValue {
        throw Rejection(control: octet)
      }
    case .lineFeed:
      guard octet == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
      step = .lineStart
    case .lastLineFeed:
      guard octet == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
      return true
    }
    return false
  }

  private mutating func startLine(_ octet: UInt8) throws(Rejection) {
    if octet == UInt8(ascii: "\r") {
      step = .lastLineFeed
      return
    }
    if octet.isBlank { throw .lineFolding }
    if octet == UInt8(ascii: ":") { throw .fieldNameEmpty }
    lines &+= 1
    guard lines <= TrailerSection.maximumLines else { throw .trailersTooLarge }
    plainName = FieldName()
    step = .name
    try takeName(octet)
  }

  private mutating func takeName(_ octet: UInt8) throws(Rejection) {
    if octet == UInt8(ascii: ":") {
      // Trailers are relayed unchanged: hop-by-hop fields could not be removed, so they are refused too.
      guard KnownField(plainName) == .other, !EndToEndFields.contains(plainName) else { throw .trailerFieldForbidden }
      step = .value
      return
    }
    guard octet.isTokenCharacter else {
      if octet.isBlank { throw .spaceBeforeColon }
      if octet == UInt8(ascii: "\r") { throw .colonMissing }
      throw octet < 0x20 || octet == 0x7f ? Rejection(control: octet) : .fieldNameMalformed
    }
    plainName.append(octet.isLetterOrDigit ? octet : UInt8(ascii: "-"))
  }
}
