/// Walks over a field section line by line (RFC 9112 §5), with one reading: CRLF ends a line, a name is a token with
/// nothing between it and its colon, a value is visible characters, SP, HTAB and obs-text. All else is refused.
struct FieldLines: ~Escapable {
  enum Step {
    case line
    /// The empty line was passed; `position` is behind it.
    case end
    /// The bytes ran out first.
    case incomplete
  }

  private let bytes: Span<UInt8>
  /// Where the next line begins.
  private(set) var position: Int
  /// The last line read: its first octet, its name, and its value from behind the colon to before the CR.
  private(set) var lineStart = 0
  private(set) var name = FieldName()
  private(set) var valueStart = 0
  private(set) var valueEnd = 0

  @_lifetime(copy bytes)
  @inline(__always)
  init(_ bytes: Span<UInt8>, from position: Int) {
    self.bytes = bytes
    self.position = position
  }

  /// The whole line, its CRLF included.
  @inline(__always)
  var line: ByteRange { ByteRange(start: lineStart, end: position) }

  /// The value without the white space around it (RFC 9112 §5.1).
  var value: ByteRange {
    var start = valueStart
    var end = valueEnd
    while start < end, bytes[start].isBlank { start &+= 1 }
    while end > start, bytes[end &- 1].isBlank { end &-= 1 }
    return ByteRange(start: start, end: end)
  }

  @_lifetime(self: copy self)
  @inline(__always)
  mutating func next() throws(Rejection) -> Step {
    lineStart = position
    var index = position
    var name = FieldName()
    while let octets = bytes.octets(at: index) {
      let stops = octets.notLetterOrHyphen
      if stops == 0 {
        name.append(octets.lowerCased, count: 8)
        index &+= 8
      } else {
        let count = stops.lowestHit
        name.append(octets.lowerCased.prefix(count), count: count)
        index &+= count
        break
      }
    }
    if index < bytes.count, bytes[index] == UInt8(ascii: ":"), index > position {
      self.name = name
    } else {
      switch try readNameSlowly() {
      case .line: index = valueStart &- 1
      case .end: return .end
      case .incomplete: return .incomplete
      }
    }
    valueStart = index &+ 1
    valueEnd = bytes.firstControl(from: valueStart)
    guard valueEnd &+ 1 < bytes.count else {
      if valueEnd < bytes.count, bytes[valueEnd] != UInt8(ascii: "\r") { throw Rejection(control: bytes[valueEnd]) }
      return .incomplete
    }
    guard bytes[valueEnd] == UInt8(ascii: "\r"), bytes[valueEnd &+ 1] == UInt8(ascii: "\n") else {
      throw Rejection(control: bytes[valueEnd])
    }
    position = valueEnd &+ 2
    return .line
  }

  /// Reads octet by octet what the fast path leaves: rare names, the empty line, the end of the bytes, and errors.
  /// After `.line`, `name` is set and `valueStart` is behind the colon.
  @_lifetime(self: copy self)
  @inline(never)
  private mutating func readNameSlowly() throws(Rejection) -> Step {
    var index = position
    var name = FieldName()
    var plainName = FieldName()
    var isDisguised = false
    while index < bytes.count {
      let octet = bytes[index]
      if octet == UInt8(ascii: ":") {
        guard index > position else { throw .fieldNameEmpty }
        if isDisguised, KnownField(plainName) != .other { throw .fieldNameDisguised }
        self.name = name
        valueStart = index &+ 1
        return .line
      }
      guard octet.isTokenCharacter else { return try endName(at: index) }
      name.append(octet)
      if octet.isLetterOrDigit || octet == UInt8(ascii: "-") {
        plainName.append(octet)
      } else {
        plainName.append(UInt8(ascii: "-"))
        isDisguised = true
      }
      index &+= 1
    }
    return .incomplete
  }

  /// What an octet means that is neither of a name nor its colon: the empty line, or an error.
  @_lifetime(self: copy self)
  private mutating func endName(at index: Int) throws(Rejection) -> Step {
    let octet = bytes[index]
    if octet.isBlank { throw index == position ? .lineFolding : .spaceBeforeColon }
    guard octet == UInt8(ascii: "\r") else {
      throw octet < 0x20 || octet == 0x7f ? Rejection(control: octet) : .fieldNameMalformed
    }
    guard index &+ 1 < bytes.count else { return .incomplete }
    guard bytes[index &+ 1] == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
    guard index == position else { throw .colonMissing }
    position = index &+ 2
    return .end
  }
}

extension Rejection {
  /// The reason for a control character that may not be where it is.
  init(control octet: UInt8) {
    self =
      switch octet {
      case UInt8(ascii: "\r"): .bareCarriageReturn
      case UInt8(ascii: "\n"): .bareLineFeed
      default: .controlCharacter
      }
  }
}
