import HTTP1
import Wire

/// The id of a client's secure tunnel at a server. It allows the tunnel to be taken over, so only a hash is kept.
public struct ConnectionID: BitwiseCopyable, Sendable {
  private var octets = InlineArray<128, UInt8>(repeating: 0)
  private(set) var count = 0

  init() {}

  /// The id in the target of a request that opens a tunnel (`/ice/tunnel?ID`) or resumes one
  /// (`/ice/reconnect?ID&SECRET`); nil for any other request. `bytes` must be those that the head was parsed from.
  public init?(of request: RequestHead, in bytes: Span<UInt8>) {
    guard request.isFor("/ice/tunnel", in: bytes) || request.isFor("/ice/reconnect", in: bytes) else { return nil }
    // After the `?`.
    var index = request.path.end &+ 1
    let end = request.pathAndQuery.end
    while index < end, bytes[index] != UInt8(ascii: "&") {
      var octet = bytes[index]
      if octet == UInt8(ascii: "%"), index &+ 2 < end, let high = bytes[index &+ 1].hexadecimalDigit,
        let low = bytes[index &+ 2].hexadecimalDigit
      {
        octet = high &<< 4 | low
        index &+= 2
      }
      guard append(octet) else { return nil }
      index &+= 1
    }
    guard count > 0 else { return nil }
  }

  public var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    get { octets.span.extracting(0..<count) }
  }

  /// False if the id would be too long, or if a request target cannot contain the octet.
  mutating func append(_ octet: UInt8) -> Bool {
    guard count < octets.count, octet > 0x20, octet < 0x7f else { return false }
    octets[count] = octet
    count &+= 1
    return true
  }

  /// Replaces the reference from `start` to the end, without its `;`, by its character (XML 1.0 §4.1, §4.6). False if
  /// that is not a character of an id.
  mutating func resolveReference(at start: Int) -> Bool {
    guard let octet = referenced(at: start &+ 1) else { return false }
    count = start
    return append(octet)
  }

  private func referenced(at start: Int) -> UInt8? {
    let name = octets.span.extracting(start..<count)
    guard name.count > 0, name[0] == UInt8(ascii: "#") else { return named(name) }
    let isHexadecimal = name.count > 1 && name[1] == UInt8(ascii: "x")
    let digits = name.extracting(droppingFirst: isHexadecimal ? 2 : 1)
    guard digits.count > 0 else { return nil }
    var value = 0
    for index in digits.indices {
      guard let digit = digits[index].hexadecimalDigit, isHexadecimal || digit < 10 else { return nil }
      value = value &* (isHexadecimal ? 16 : 10) &+ Int(digit)
      guard value < 0x7f else { return nil }
    }
    return UInt8(truncatingIfNeeded: value)
  }

  private func named(_ name: Span<UInt8>) -> UInt8? {
    for (text, octet) in Self.entities where name.isText(text) { return octet }
    return nil
  }

  private static let entities: [(String, UInt8)] = [
    ("amp", UInt8(ascii: "&")), ("lt", UInt8(ascii: "<")), ("gt", UInt8(ascii: ">")), ("quot", UInt8(ascii: "\"")),
    ("apos", UInt8(ascii: "'")),
  ]
}

extension RequestHead {
  /// Whether the path equals this one. `bytes` must be those that the head was parsed from.
  public func isFor(_ path: String, in bytes: Span<UInt8>) -> Bool { self.path.slice(of: bytes).isText(path) }
}

extension Span<UInt8> {
  fileprivate func isText(_ text: String) -> Bool {
    guard count == text.utf8.count else { return false }
    var index = 0
    for octet in text.utf8 {
      guard self[index] == octet else { return false }
      index &+= 1
    }
    return true
  }
}
