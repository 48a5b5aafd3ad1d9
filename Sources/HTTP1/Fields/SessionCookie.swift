/// The cookie that identifies a server's application session, such as `JSESSIONID`: finds its value in heads. Parsed as
/// user agents do (RFC 6265 §5.2), so that the client's value equals the one that the server has set.
public struct SessionCookie: Hashable, Sendable {
  /// Compared octet by octet: cookie names are case-sensitive.
  public let name: String
  private let octets: [UInt8]

  /// Nil unless the name is a token (RFC 6265 §4.1.1).
  public init?(name: String) {
    octets = Array(name.utf8)
    guard !octets.isEmpty, octets.allSatisfy({ $0.isTokenCharacter }) else { return nil }
    self.name = name
  }

  /// The value in a request, trimmed of white space: the first one that is not empty, since user agents send the one
  /// with the most specific path first (RFC 6265 §5.4). `bytes` must be those that the head was parsed from.
  public func value(in request: RequestHead, of bytes: Span<UInt8>) -> ByteRange? {
    var lines = FieldLines(ofHead: bytes, from: Int(request.start))
    while (try? lines.next(all: true)) == .line {
      guard lines.name(in: bytes) == Self.cookie else { continue }
      var pairs = Parameters(lines.value)
      while let pair = pairs.next(in: bytes) {
        if let value = value(of: pair, in: bytes) { return value }
      }
    }
    return nil
  }

  /// The value that a response sets: the last one, which user agents keep (RFC 6265 §5.3). An empty value, or one that
  /// expires at once (`Max-Age=0`, §5.2.2), is ignored. `Expires` is not evaluated: an expired session is never
  /// requested. `bytes` start with the response's head, which was parsed before.
  public func value(setByAnswer bytes: Span<UInt8>) -> ByteRange? {
    var lines = FieldLines(ofHead: bytes)
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

  /// The value of a pair with this name.
  private func value(of pair: Parameters.Parameter, in bytes: Span<UInt8>) -> ByteRange? {
    guard let value = pair.value, !value.isEmpty, pair.name.count == octets.count else { return nil }
    for index in octets.indices where bytes[pair.name.start &+ index] != octets[index] { return nil }
    return value
  }

  /// Whether a `Max-Age` expires at once; nil for another attribute or an invalid value.
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
}

/// The parts of a value between semicolons, each a name and, after a `=`, a value. Quotes have no meaning.
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
