import Wire

/// The start of a request's path as rules compare it: as a server may understand it, whatever kind of server that is.
///
/// Percent-encoding is decoded, letters are lower case, several slashes are one, and a segment ends where its parameters
/// begin (`;`, as in Tomcat) and without what Windows leaves out (final dots and spaces, a stream's name after `:`).
///
/// A path that servers may understand in different ways has no such form: one that begins with two slashes, with dot segments (clients resolve them
/// themselves, RFC 3986 §5.2.4), an encoded `/`, `\`, `%`, `?` or `#`, a backslash, control characters, characters outside
/// ASCII, an invalid percent-encoding, or `~` and a digit (a short name of Windows).
public struct ComparedPath: ~Copyable {
  /// The longest path of a rule.
  public static let longestRule = 100
  /// More than a rule, so that the octet after the rule is known.
  private static let capacity = 128

  private var octets = InlineArray<128, UInt8>(repeating: 0)
  /// The length of the form, of which `octets` has the start.
  private var count = 0
  /// Where the present segment starts: after its slash.
  private var start = 0
  /// The end of the segment without final dots and spaces.
  private var end = 0
  /// The segment's parameters have begun.
  private var isCut = false

  /// Nil for a path without one meaning. An empty path is `/`.
  public init?(_ path: Span<UInt8>) {
    // Some servers read what follows as an authority.
    if path.count > 1, path[0] == UInt8(ascii: "/"), path[1] == UInt8(ascii: "/") { return nil }
    var index = 0
    // Decoded, whatever it was.
    var previous: UInt8 = 0
    while index < path.count {
      var octet = path[index]
      index &+= 1
      if octet == UInt8(ascii: "/") {
        guard endSegment() else { return nil }
        previous = octet
        continue
      }
      if octet == UInt8(ascii: "%") {
        guard index &+ 2 <= path.count, let high = path[index].hexadecimal, let low = path[index &+ 1].hexadecimal
        else { return nil }
        octet = high &<< 4 | low
        index &+= 2
        guard ComparedPath.isOnlyData(octet) else { return nil }
      }
      guard octet >= 0x20, octet < 0x7f, octet != UInt8(ascii: "\\") else { return nil }
      if previous == UInt8(ascii: "~"), octet &- UInt8(ascii: "0") < 10 { return nil }
      previous = octet
      add(octet)
    }
    guard endSegment() else { return nil }
  }

  /// Whether it is the rule's path or below it. `rule`: such a form itself, `/` and a segment once or more.
  public func isWithin(_ rule: Span<UInt8>) -> Bool {
    guard rule.count <= count, rule.count < ComparedPath.capacity else { return false }
    for index in 0..<rule.count where octets[index] != rule[index] { return false }
    return count == rule.count || octets[rule.count] == UInt8(ascii: "/")
  }

  /// The form, if it is short enough for a rule.
  public var text: String? {
    guard count <= ComparedPath.longestRule else { return nil }
    return String(decoding: (0..<count).map { octets[$0] }, as: UTF8.self)
  }

  /// Whether an encoded octet means itself and no delimiter.
  private static func isOnlyData(_ octet: UInt8) -> Bool {
    switch octet {
    case UInt8(ascii: "/"), UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"): false
    default: true
    }
  }

  private mutating func add(_ octet: UInt8) {
    switch octet {
    case UInt8(ascii: ";"), UInt8(ascii: ":"): isCut = true
    case _ where isCut: break
    default:
      // A slash is written with the first octet after it.
      if count == start { put(UInt8(ascii: "/")) }
      put(octet &- UInt8(ascii: "A") < 26 ? octet | 0x20 : octet)
      if octet != UInt8(ascii: "."), octet != UInt8(ascii: " ") { end = count }
    }
  }

  private mutating func put(_ octet: UInt8) {
    if count < ComparedPath.capacity { octets[count] = octet }
    count &+= 1
  }

  /// False for a segment of dots and spaces only.
  private mutating func endSegment() -> Bool {
    guard count == start || end > start else { return false }
    count = end
    start = end
    isCut = false
    return true
  }
}

extension UInt8 {
  /// The value of a hexadecimal digit; nil for another octet.
  fileprivate var hexadecimal: UInt8? {
    let digit = self &- UInt8(ascii: "0")
    if digit < 10 { return digit }
    let letter = (self | 0x20) &- UInt8(ascii: "a")
    return letter < 6 ? letter &+ 10 : nil
  }
}
