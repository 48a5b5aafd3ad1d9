/// Parses a field section line by line (RFC 9112 §5), strictly: a line ends with CRLF, a name is a token followed
/// directly by its colon, a value is visible characters, SP, HTAB and obs-text. Everything else is refused.
struct FieldLines: ~Escapable {
  enum Step {
    case line
    /// The empty line; `position` is after it.
    case end
    /// The bytes ended before it.
    case incomplete
  }

  private let bytes: Span<UInt8>
  /// The bytes not read yet.
  private var rest: Span<UInt8>
  /// How many more lines are allowed.
  private var allowed: Int
  /// The last line read: its first octet, its field, and its value from after the colon to before the CR.
  private(set) var lineStart = 0
  private(set) var field = KnownField.other
  private(set) var valueStart = 0
  private(set) var valueEnd = 0

  /// The field section at `position`; more than `limit` lines are refused.
  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, from position: Int, limit: Int) {
    self.bytes = bytes
    rest = bytes.extracting(droppingFirst: position)
    allowed = limit
  }

  /// The field section of a head at `start` that was parsed before.
  @_lifetime(copy bytes)
  init(ofHead bytes: Span<UInt8>, from start: Int = 0) {
    var index = start
    while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index &+= 1 }
    self.init(bytes, from: min(index &+ 1, bytes.count), limit: .max)
  }

  /// Where the next line starts.
  var position: Int {
    @inline(always) get { bytes.count &- rest.count }
  }

  /// The whole line, including its CRLF.
  var line: ByteRange { ByteRange(start: lineStart, end: position) }

  /// The name as written.
  var nameRange: ByteRange { ByteRange(start: lineStart, end: valueStart &- 1) }

  func name(in bytes: Span<UInt8>) -> FieldName { FieldName(nameRange, of: bytes) }

  /// Everything between the colon and the CRLF.
  var rawValue: ByteRange { ByteRange(start: valueStart, end: valueEnd) }

  /// Whether the white space around the value is at most one SP before it.
  func isTrimmed(in bytes: Span<UInt8>) -> Bool { rawValue.isTrimmed(to: value, in: bytes) }

  /// The value without surrounding white space (RFC 9112 §5.1).
  var value: ByteRange { bytes.withoutBlanks(from: valueStart, to: valueEnd) }

  /// Skips to the next line with a known name, or with `all` to the next line.
  mutating func next(all: Bool = false) throws(Rejection) -> Step {
    var scan = rest
    while true {
      let line = scan
      var name = FieldName()
      name.dropWords(from: &scan)
      name.length = line.count &- scan.count
      var field = KnownField.other
      if name.length > 0, scan.count > 0, scan[0] == UInt8(ascii: ":") {
        scan.drop(1)
        field = KnownField(name)
      } else {
        switch try FieldLines.readNameSlowly(line) {
        case .name(let known, let length):
          field = known
          scan = line.extracting(droppingFirst: length &+ 1)
        case .emptyLine:
          rest = line.extracting(droppingFirst: 2)
          return .end
        case .incomplete: return .incomplete
        }
      }
      let value = scan
      scan.dropValue()
      guard scan.count >= 2 else {
        if scan.count == 1, scan[0] != UInt8(ascii: "\r") { throw Rejection(control: scan[0]) }
        return .incomplete
      }
      guard scan[0] == UInt8(ascii: "\r"), scan[1] == UInt8(ascii: "\n") else { throw Rejection(control: scan[0]) }
      allowed &-= 1
      guard allowed >= 0 else { throw .tooManyFieldLines }
      let valueEnd = bytes.count &- scan.count
      scan.drop(2)
      guard all || field != .other else { continue }
      self.field = field
      lineStart = bytes.count &- line.count
      valueStart = bytes.count &- value.count
      self.valueEnd = valueEnd
      rest = scan
      return .line
    }
  }

  private enum LineStart {
    /// A name of this length, and a colon.
    case name(KnownField, Int)
    case emptyLine, incomplete
  }

  /// Parses octet by octet what the fast path does not handle: rare names, the empty line, the end of the bytes, and
  /// errors.
  @inline(never)
  private static func readNameSlowly(_ line: Span<UInt8>) throws(Rejection) -> LineStart {
    var name = FieldName()
    var plainName = FieldName()
    var isObfuscated = false
    var index = 0
    while index < line.count, line[index].isTokenCharacter {
      name.append(line[index])
      let isPlain = line[index].isLetterOrDigit || line[index] == UInt8(ascii: "-")
      plainName.append(isPlain ? line[index] : UInt8(ascii: "-"))
      if !isPlain { isObfuscated = true }
      index &+= 1
    }
    guard index < line.count else { return .incomplete }
    guard line[index] == UInt8(ascii: ":") else { return try endName(line, at: index) }
    guard index > 0 else { throw .fieldNameEmpty }
    guard isObfuscated else { return .name(KnownField(name), index) }
    // Names that CGI, WSGI and similar interfaces map to a known field (RFC 3875 §4.1.18). A forwarding claim is
    // dropped in either spelling.
    let field = KnownField(plainName)
    guard [.other, .proxyClaim, .certificateClaim, .proxy].contains(field) else { throw .fieldNameDisguised }
    return .name(field, index)
  }

  /// Evaluates an octet that is neither part of a name nor a colon: the empty line, or an error.
  private static func endName(_ line: Span<UInt8>, at index: Int) throws(Rejection) -> LineStart {
    let octet = line[index]
    if octet.isBlank { throw index == 0 ? .lineFolding : .spaceBeforeColon }
    guard octet == UInt8(ascii: "\r") else {
      throw octet < 0x20 || octet == 0x7f ? Rejection(control: octet) : .fieldNameMalformed
    }
    guard index &+ 1 < line.count else { return .incomplete }
    guard line[index &+ 1] == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
    guard index == 0 else { throw .colonMissing }
    return .emptyLine
  }
}

extension Rejection {
  /// The rejection for a control character in an invalid place.
  init(control octet: UInt8) {
    self =
      switch octet {
      case UInt8(ascii: "\r"): .bareCarriageReturn
      case UInt8(ascii: "\n"): .bareLineFeed
      default: .controlCharacter
      }
  }
}
