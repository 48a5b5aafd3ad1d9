import Balancing
import Domain
import Wire

/// The request line as logged: without the secrets of its query.
///
/// Queries contain secrets that allow a session to be taken over: the tunnel's `/ice/reconnect?ID&SECRET`, a SAML
/// artifact, a one-time token. So do path parameters (`;jsessionid=…`). More people read the log than own the session.
public struct LoggedRequestLine: Sendable {
  /// Maximum of client bytes that are examined. The logged line may have twice as many bytes, plus a placeholder and
  /// the version; a connection keeps this storage.
  public static let limit = 1024

  /// Replaces a line that is not a valid request line. It could be the rest of a body that contains a password.
  public static let unreadable: StaticString = "<BADREQ>"

  private let queries: LoggedQueries
  private let hash: SecretHash

  public init(_ queries: LoggedQueries, hash: SecretHash) {
    self.queries = queries
    self.hash = hash
  }

  /// Replaces `line` with the first non-empty line of `bytes`. Control characters are copied unchanged.
  public func write(firstOf bytes: Span<UInt8>, to line: inout [UInt8]) {
    line.removeAll(keepingCapacity: true)
    var start = 0
    while start < bytes.count, bytes[start].isLineEnd { start &+= 1 }
    var end = start
    while end < bytes.count, end &- start < Self.limit, !bytes[end].isLineEnd { end &+= 1 }
    let text = bytes.extracting(start..<end)
    guard queries != .full else { return line.append(text, 0..<text.count) }
    guard let target = Self.targetStart(of: text) else {
      for byte in Self.unreadable.description.utf8 { line.append(byte) }
      return
    }
    let targetEnd = Self.targetEnd(of: text)
    line.append(text, 0..<target)
    writeTarget(text, target..<max(target, targetEnd), to: &line)
    if targetEnd > target { line.append(text, targetEnd..<text.count) }
  }

  private func writeTarget(_ text: Span<UInt8>, _ range: Range<Int>, to line: inout [UInt8]) {
    // Parts of these queries are secrets by position, and may contain `=`.
    let isTunnel = Self.isTunnel(text, range)
    var isInQuery = false
    var index = range.lowerBound
    while index < range.upperBound, line.count < 2 &* Self.limit {
      let (octet, count) = Self.decoded(text, at: index, before: range.upperBound)
      let beginsQuery = octet == UInt8(ascii: "?") || octet == UInt8(ascii: "#")
      let beginsPart = beginsQuery || octet == UInt8(ascii: ";") || isInQuery && octet == UInt8(ascii: "&")
      line.append(text, index..<index &+ count)
      index &+= count
      guard beginsPart else { continue }
      if beginsQuery {
        isInQuery = true
        if queries == .cut { return }
      }
      var end = index
      while end < range.upperBound, !Self.ends(text[end], query: isInQuery) { end &+= 1 }
      if queries == .hash, end > index { writePart(text, index..<end, keepsName: !isTunnel, to: &line) }
      index = end
    }
  }

  private func writePart(_ text: Span<UInt8>, _ part: Range<Int>, keepsName: Bool, to line: inout [UInt8]) {
    var start = part.lowerBound
    if keepsName, let valueStart = Self.valueStart(text, part) {
      line.append(text, start..<valueStart)
      start = valueStart
    }
    line.append(UInt8(ascii: "~"))
    var digest = hash(text.extracting(start..<part.upperBound)).first
    for _ in 0..<8 {
      let nibble = UInt8(truncatingIfNeeded: digest >> 60)
      line.append(nibble < 10 ? 0x30 &+ nibble : 0x61 &+ nibble &- 10)
      digest <<= 4
    }
  }

  // MARK: Parsing

  /// The start of the target: after a method in upper case and one SP. Nil when the target has no valid start or
  /// contains user information.
  private static func targetStart(of text: Span<UInt8>) -> Int? {
    var index = 0
    while index < text.count, text[index].isInMethod { index &+= 1 }
    guard index > 0, index <= 24, index &+ 1 < text.count, text[index] == UInt8(ascii: " ") else { return nil }
    let start = index &+ 1
    if text[start] == UInt8(ascii: "/") || text[start] == UInt8(ascii: "*") { return start }
    guard let authority = authorityStart(of: text, from: start) else { return nil }
    index = authority
    while index < text.count, text[index] != UInt8(ascii: "/"), !ends(text[index], query: false) {
      if text[index] == UInt8(ascii: "@") { return nil }
      index &+= 1
    }
    return start
  }

  /// The offset after `http://` or `https://`, case-insensitive.
  private static func authorityStart(of text: Span<UInt8>, from start: Int) -> Int? {
    var index = start
    for octet in "http".utf8 {
      guard index < text.count, text[index] | 0x20 == octet else { return nil }
      index &+= 1
    }
    if index < text.count, text[index] | 0x20 == UInt8(ascii: "s") { index &+= 1 }
    for octet in "://".utf8 {
      guard index < text.count, text[index] == octet else { return nil }
      index &+= 1
    }
    return index
  }

  /// The start of the trailing ` HTTP/1.1`; the end of the line when there is none.
  private static func targetEnd(of text: Span<UInt8>) -> Int {
    var index = text.count &- 9
    guard index > 0 else { return text.count }
    for octet in " HTTP/".utf8 {
      guard text[index] == octet else { return text.count }
      index &+= 1
    }
    return text.count &- 9
  }

  /// An octet and its length. Percent-encoding is decoded where the octet delimits a query or a part of one.
  private static func decoded(_ text: Span<UInt8>, at index: Int, before end: Int) -> (octet: UInt8, count: Int) {
    let octet = text[index]
    guard octet == UInt8(ascii: "%"), index &+ 2 < end else { return (octet, 1) }
    switch (text[index &+ 1], text[index &+ 2] | 0x20) {
    case (UInt8(ascii: "3"), UInt8(ascii: "f")): return (UInt8(ascii: "?"), 3)
    case (UInt8(ascii: "3"), UInt8(ascii: "b")): return (UInt8(ascii: ";"), 3)
    case (UInt8(ascii: "2"), UInt8(ascii: "3") | 0x20): return (UInt8(ascii: "#"), 3)
    default: return (octet, 1)
    }
  }

  private static func ends(_ octet: UInt8, query isInQuery: Bool) -> Bool {
    switch octet {
    case UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: ";"): true
    case UInt8(ascii: "&"): isInQuery
    case UInt8(ascii: "/"): !isInQuery
    default: false
    }
  }

  /// The start of the value in `name=value`. Nil when the name is not a plain word, or only `=` follows it: that may be
  /// base64 padding.
  private static func valueStart(_ text: Span<UInt8>, _ part: Range<Int>) -> Int? {
    var index = part.lowerBound
    while index < part.upperBound, text[index].isInWord, index &- part.lowerBound < 32 { index &+= 1 }
    guard index > part.lowerBound, index < part.upperBound, text[index] == UInt8(ascii: "=") else { return nil }
    let start = index &+ 1
    while index < part.upperBound, text[index] == UInt8(ascii: "=") { index &+= 1 }
    return index < part.upperBound ? start : nil
  }

  /// Whether the path has the tunnel's prefix, case-insensitive.
  private static func isTunnel(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    var index = range.lowerBound
    if let authority = authorityStart(of: text, from: index) {
      index = authority
      while index < range.upperBound, text[index] != UInt8(ascii: "/") { index &+= 1 }
    }
    while index &+ 1 < range.upperBound, text[index &+ 1] == UInt8(ascii: "/") { index &+= 1 }
    for octet in "/ice".utf8 {
      guard index < range.upperBound, text[index] | 0x20 == octet | 0x20 else { return false }
      index &+= 1
    }
    return true
  }
}

extension UInt8 {
  fileprivate var isLineEnd: Bool { self == 0x0d || self == 0x0a }

  fileprivate var isInMethod: Bool {
    self &- UInt8(ascii: "A") < 26 || self &- UInt8(ascii: "0") < 10 || self == UInt8(ascii: "-")
  }

  fileprivate var isInWord: Bool {
    (self | 0x20) &- UInt8(ascii: "a") < 26 || self &- UInt8(ascii: "0") < 10 || self == UInt8(ascii: "-")
      || self == UInt8(ascii: "_") || self == UInt8(ascii: ".")
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ text: Span<UInt8>, _ range: Range<Int>) {
    for index in range { append(text[index]) }
  }
}
