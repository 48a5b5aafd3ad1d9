import HTTP1

/// Finds the connection ids in a response to `/broker/xml` as it is relayed.
///
/// A server issues one in the response to `get-tunnel-connection`, in the element `connection-id` of `tunnel-connection`.
/// The element is accepted anywhere, since no other one of that name is known, and its name in upper or lower case, as
/// by View clients. White space, attributes and references follow XML 1.0. Comments and CDATA sections are not
/// recognised: text in them that looks like the element adds an id that no client has.
public struct ConnectionIDScanner: BitwiseCopyable, Sendable {
  /// Maximum of content bytes that are read. Larger responses are lists of desktops and icons.
  static let contentLimit: UInt64 = 256 << 10
  /// Maximum of ids taken from one response, which normally has one.
  static let idLimit = 8

  private enum Step: BitwiseCopyable {
    /// Skipping to the next `<`.
    case outside
    /// After `<` and so many octets of the element's name.
    case name(Int)
    /// In the start tag; in an attribute value that ends with this quote.
    case tag, quoted(UInt8)
    /// Before the id, in it, in a reference that starts at this offset of it, after it.
    case leading, id, reference(Int), trailing
    /// After the `<` that follows the id.
    case endTag
  }

  private var body: BodyTracker
  private var step = Step.outside
  private var isEmptyTag = false
  private var id = ConnectionID()
  private var found = 0
  /// The rest of the body need not be read.
  public private(set) var isOver = false

  /// `body` is at the start of the response's body.
  public init(_ body: BodyTracker) { self.body = body }

  /// Processes the next relayed bytes of the body, including framing, and calls `issued` with each id.
  public mutating func take(_ bytes: Span<UInt8>, issued: (Span<UInt8>) -> Void) {
    var rest = bytes
    while !isOver, !rest.isEmpty {
      // As much content as there is, else one octet of framing.
      let count = Int(truncatingIfNeeded: min(body.contentAhead, UInt64(rest.count)))
      let piece = rest.extracting(first: max(1, count))
      let state = body.advance(over: piece).state
      if count > 0 { scan(piece, issued) }
      rest = rest.extracting(droppingFirst: piece.count)
      if state != .more || body.contentBytes >= Self.contentLimit { isOver = true }
    }
  }

  private mutating func scan(_ content: Span<UInt8>, _ issued: (Span<UInt8>) -> Void) {
    for index in content.indices {
      let octet = content[index]
      if case .outside = step, octet != UInt8(ascii: "<") { continue }
      step = next(octet)
      guard case .endTag = step, octet == UInt8(ascii: "/") else { continue }
      step = .outside
      issued(id.bytes)
      found &+= 1
      if found == Self.idLimit {
        isOver = true
        return
      }
    }
  }

  /// The step after this octet. It stays `.endTag` at the `/` of the end tag.
  private mutating func next(_ octet: UInt8) -> Step {
    switch step {
    case .outside: outside(octet)
    case .name(let count): inName(octet, count)
    case .tag: inTag(octet)
    case .quoted(let quote): octet == quote ? .tag : step
    case .leading: octet.isSpace ? .leading : inID(octet)
    case .id: inID(octet)
    case .reference(let start): inReference(octet, start)
    case .trailing: octet.isSpace ? .trailing : octet == UInt8(ascii: "<") ? .endTag : .outside
    case .endTag: octet == UInt8(ascii: "/") ? .endTag : inName(octet, 0)
    }
  }

  private func outside(_ octet: UInt8) -> Step { octet == UInt8(ascii: "<") ? .name(0) : .outside }

  private mutating func inName(_ octet: UInt8, _ count: Int) -> Step {
    guard count == Self.name.count else {
      let expected = Self.name[count]
      let isExpected = octet == expected || octet ^ 0x20 == expected && expected != UInt8(ascii: "-")
      return isExpected ? .name(count &+ 1) : outside(octet)
    }
    isEmptyTag = false
    if octet.isSpace { return .tag }
    return octet == UInt8(ascii: ">") || octet == UInt8(ascii: "/") ? inTag(octet) : outside(octet)
  }

  private mutating func inTag(_ octet: UInt8) -> Step {
    switch octet {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .quoted(octet)
    case UInt8(ascii: ">"):
      id = ConnectionID()
      return isEmptyTag ? .outside : .leading
    default:
      isEmptyTag = octet == UInt8(ascii: "/")
      return .tag
    }
  }

  private mutating func inID(_ octet: UInt8) -> Step {
    if octet.isSpace { return .trailing }
    if octet == UInt8(ascii: "<") { return id.count > 0 ? .endTag : .name(0) }
    let start = id.count
    guard id.append(octet) else { return .outside }
    return octet == UInt8(ascii: "&") ? .reference(start) : .id
  }

  private mutating func inReference(_ octet: UInt8, _ start: Int) -> Step {
    if octet == UInt8(ascii: ";") { return id.resolveReference(at: start) ? .id : .outside }
    return octet != UInt8(ascii: "<") && id.append(octet) ? step : outside(octet)
  }

  private static let name = Array("connection-id".utf8)
}

extension UInt8 {
  /// White space of XML 1.0 (§2.3).
  fileprivate var isSpace: Bool { self == 0x20 || self &- 0x09 < 2 || self == 0x0d }
}
