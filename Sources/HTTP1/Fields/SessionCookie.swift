/// The cookie that a server's application knows a session by, such as `JSESSIONID`: finds its value in the heads of
/// messages. Read as user agents read it (RFC 6265 §5.2), so that what a client sends is what the server has set.
public struct SessionCookie: Hashable, Sendable {
  /// Compared octet by octet: cookies' names have a case.
  public let name: String
  private let octets: [UInt8]

  /// Nil unless the name is a token (RFC 6265 §4.1.1).
  public init?(name: String) {
    octets = Array(name.utf8)
    guard !octets.isEmpty, octets.allSatisfy({ $0.isTokenCharacter }) else { return nil }
    self.name = name
  }

  /// The value that the request has, without the white space around it: the first one that is not empty, since user
  /// agents put the one with the most specific path first (RFC 6265 §5.4). `bytes` are those the head was parsed from.
  public func value(in request: RequestHead, of bytes: Span<UInt8>) -> ByteRange? {
    var lines = FieldLines(bytes, from: Self.lineEnd(of: bytes, from: Int(request.start)), limit: .max)
    while (try? lines.next(all: true)) == .line {
      guard lines.name(in: bytes) == Self.cookie else { continue }
      var pairs = Parameters(lines.value)
      while let pair = pairs.next(in: bytes) {
        if let value = value(of: pair, in: bytes) { return value }
      }
    }
    return nil
  }

  /// The value that the answer sets; the last one, which user agents keep (RFC 6265 §5.3). One that they are to drop at
  /// once (`Max-Age=0`, §5.2.2) and an empty one are none. `Expires` is not looked at: a session that is over already
  /// is asked for by nobody. `bytes` begin with the answer's head, which was read before.
  public func value(setByAnswer bytes: Span<UInt8>) -> ByteRange? {
    var lines = FieldLines(bytes, from: Self.lineEnd(of: bytes, from: 0), limit: .max)
    var found: ByteRange?
    while (try? lines.next(all: true)) == .line {
      guard lines.name(in: bytes) == Self.setCookie else { continue }
      var parameters = Parameters(lines.value)
      guard let pair = parameters.next(in: bytes), let value = value(of: pair, in: bytes) else { continue }
      var isDropped = false
      while let attribute = parameters.next(in: bytes) {
        if let isOver = Self.endsAtOnce(attribute, in: bytes) { isDropped = isOver }
      }
      found = isDropped ? nil : value
    }
    return found
  }

  private static let cookie = FieldName("cookie")
  private static let setCookie = FieldName("set-cookie")
  private static let maxAge = FieldName("max-age")

  /// The value of a pair of this name.
  private func value(of pair: Parameters.Parameter, in bytes: Span<UInt8>) -> ByteRange? {
    guard let value = pair.value, !value.isEmpty, pair.name.count == octets.count else { return nil }
    for index in octets.indices where bytes[pair.name.start &+ index] != octets[index] { return nil }
    return value
  }

  /// Whether a `Max-Age` says that it is over; nil when it is another attribute, or none that reads.
  private static func endsAtOnce(_ attribute: Parameters.Parameter, in bytes: Span<UInt8>) -> Bool? {
    guard FieldName(attribute.name, of: bytes) == maxAge, let value = attribute.value, !value.isEmpty else {
      return nil
    }
    let digits = value.slice(of: bytes)
    if digits[0] == UInt8(ascii: "-") { return true }
    for index in digits.indices {
      guard digits[index].isDigit else { return nil }
      if digits[index] != UInt8(ascii: "0") { return false }
    }
    return true
  }

  /// Where the field section begins: behind the start line, which was read before.
  private static func lineEnd(of bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] != UInt8(ascii: "\n") { index &+= 1 }
    return min(index &+ 1, bytes.count)
  }
}

/// What stands between the semicolons of a value, each as a name and, behind a `=`, a value. Quotes mean nothing.
private struct Parameters {
  struct Parameter {
    let name: ByteRange
    let value: ByteRange?
  }

  private var start: Int
  private let end: Int

  init(_ range: ByteRange) {
    start = range.start
    end = range.end
  }

  mutating func next(in bytes: Span<UInt8>) -> Parameter? {
    guard start < end else { return nil }
    var stop = start
    var equals: Int?
    while stop < end, bytes[stop] != UInt8(ascii: ";") {
      if equals == nil, bytes[stop] == UInt8(ascii: "=") { equals = stop }
      stop &+= 1
    }
    defer { start = stop &+ 1 }
    return Parameter(
      name: bytes.withoutBlanks(from: start, to: equals ?? stop),
      value: equals.map { bytes.withoutBlanks(from: $0 &+ 1, to: stop) })
  }
}

extension FieldLines {
  /// The line's name.
  fileprivate func name(in bytes: Span<UInt8>) -> FieldName {
    FieldName(ByteRange(start: lineStart, end: valueStart &- 1), of: bytes)
  }
}
