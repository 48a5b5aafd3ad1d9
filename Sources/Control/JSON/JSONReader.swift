import Wire

/// Reads JSON from bytes (RFC 8259), strictly: no comments, no trailing commas, no lone surrogates, no name twice.
struct JSONReader: ~Escapable {
  private let bytes: Span<UInt8>
  private var position = 0

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  /// The whole text.
  @_lifetime(self: copy self)
  mutating func readText() throws(JSONError) -> JSON {
    let value = try readValue(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw .unexpected(at: position) }
    return value
  }

  @_lifetime(self: copy self)
  private mutating func readValue(depth: Int) throws(JSONError) -> JSON {
    skipSpace()
    switch try peek() {
    case UInt8(ascii: "{"): return try readObject(depth: depth + 1)
    case UInt8(ascii: "["): return try readArray(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"):
      try expect("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try expect("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try expect("null")
      return .null
    default: return try readNumber()
    }
  }

  @_lifetime(self: copy self)
  private mutating func readObject(depth: Int) throws(JSONError) -> JSON {
    guard depth <= JSON.depthLimit else { throw .tooDeep }
    position += 1
    var members: [JSON.Member] = []
    var names: Set<String> = []
    skipSpace()
    if try take(UInt8(ascii: "}")) { return .object(members) }
    while true {
      skipSpace()
      let name = try readString()
      guard names.insert(name).inserted else { throw .duplicate(name) }
      skipSpace()
      guard try take(UInt8(ascii: ":")) else { throw .unexpected(at: position) }
      members.append(JSON.Member(name, try readValue(depth: depth)))
      skipSpace()
      if try take(UInt8(ascii: "}")) { return .object(members) }
      guard try take(UInt8(ascii: ",")) else { throw .unexpected(at: position) }
    }
  }

  @_lifetime(self: copy self)
  private mutating func readArray(depth: Int) throws(JSONError) -> JSON {
    guard depth <= JSON.depthLimit else { throw .tooDeep }
    position += 1
    var elements: [JSON] = []
    skipSpace()
    if try take(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try readValue(depth: depth))
      skipSpace()
      if try take(UInt8(ascii: "]")) { return .array(elements) }
      guard try take(UInt8(ascii: ",")) else { throw .unexpected(at: position) }
    }
  }

  // MARK: strings

  @_lifetime(self: copy self)
  private mutating func readString() throws(JSONError) -> String {
    let start = position
    guard try take(UInt8(ascii: "\"")) else { throw .unexpected(at: position) }
    var text: [UInt8] = []
    while true {
      let byte = try peek()
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let valid = String(validating: text, as: UTF8.self) else { throw .unexpected(at: start) }
        return valid
      case UInt8(ascii: "\\"):
        position += 1
        text.append(contentsOf: try readEscape())
      case 0..<0x20: throw .unexpected(at: position)
      default:
        text.append(byte)
        position += 1
      }
    }
  }

  /// What stands for the escape behind a backslash (RFC 8259 §7), in UTF-8.
  @_lifetime(self: copy self)
  private mutating func readEscape() throws(JSONError) -> [UInt8] {
    let byte = try peek()
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      let start = position
      var code = try readHexadecimal()
      if 0xd800..<0xdc00 ~= code {
        try expect("\\u")
        let low = try readHexadecimal()
        guard 0xdc00..<0xe000 ~= low else { throw .unexpected(at: start) }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw .unexpected(at: start) }
      return Array(String(scalar).utf8)
    default: throw .unexpected(at: position - 1)
    }
  }

  @_lifetime(self: copy self)
  private mutating func readHexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = try peek().hexadecimalDigit else { throw .unexpected(at: position) }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  // MARK: numbers

  /// A number by the grammar of RFC 8259 §6.
  @_lifetime(self: copy self)
  private mutating func readNumber() throws(JSONError) -> JSON {
    let start = position
    var isWhole = true
    _ = try take(UInt8(ascii: "-"))
    if try peek() == UInt8(ascii: "0") { position += 1 } else { try skipDigits() }
    if next == UInt8(ascii: ".") {
      isWhole = false
      position += 1
      try skipDigits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isWhole = false
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try skipDigits()
    }
    var text = ""
    for index in start..<position { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
    if isWhole, let integer = Int64(text) { return .integer(integer) }
    guard let decimal = Double(text), decimal.isFinite else { throw .numberOutOfRange(at: start) }
    return .decimal(decimal)
  }

  /// One digit at least.
  @_lifetime(self: copy self)
  private mutating func skipDigits() throws(JSONError) {
    let start = position
    while let byte = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
    if position == start {
      throw position == bytes.count ? .truncated : .unexpected(at: position)
    }
  }

  // MARK: bytes

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func peek() throws(JSONError) -> UInt8 {
    guard let next else { throw .truncated }
    return next
  }

  @_lifetime(self: copy self)
  private mutating func take(_ byte: UInt8) throws(JSONError) -> Bool {
    guard try peek() == byte else { return false }
    position += 1
    return true
  }

  @_lifetime(self: copy self)
  private mutating func expect(_ word: String) throws(JSONError) {
    for byte in word.utf8 {
      guard try take(byte) else { throw .unexpected(at: position) }
    }
  }

  @_lifetime(self: copy self)
  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { position += 1 }
  }
}
