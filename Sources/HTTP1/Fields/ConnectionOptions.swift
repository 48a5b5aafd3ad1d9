/// The Connection options of a head (RFC 9110 §7.6.1).
struct ConnectionOptions: BitwiseCopyable, Sendable {
  /// The most options in one head, including empty list elements. Clients send one to three.
  static let maximum = 16

  private(set) var close = false
  private(set) var keepAlive = false
  private(set) var upgrade = false
  private var count = 0
  /// Options that name a field which this proxy does not always remove anyway.
  private var nominations = InlineArray<16, ByteRange>(repeating: .absent)
  private(set) var nominationCount = 0

  /// Processes the value of one Connection line, the range `value` of `bytes`.
  mutating func note(_ value: ByteRange, of bytes: Span<UInt8>) throws(Rejection) {
    count &+= 1
    // Most clients send one option, and one of these two.
    let whole = FieldName(value, of: bytes)
    if whole.isKeepAlive, count <= ConnectionOptions.maximum {
      keepAlive = true
    } else if whole.isClose, count <= ConnectionOptions.maximum {
      close = true
    } else {
      count &-= 1
      try noteList(value, of: bytes)
    }
  }

  private mutating func noteList(_ value: ByteRange, of bytes: Span<UInt8>) throws(Rejection) {
    var options = ListElements(of: value, in: bytes)
    while let option = options.next() {
      count &+= 1
      guard count <= ConnectionOptions.maximum else { throw .tooManyConnectionOptions }
      if !option.isEmpty { try note(option: option, of: bytes) }
    }
  }

  private mutating func note(option: ByteRange, of bytes: Span<UInt8>) throws(Rejection) {
    let name = FieldName(option, of: bytes)
    if name.isClose {
      close = true
      return
    }
    switch KnownField(name) {
    case .keepAlive: keepAlive = true
    case .upgrade: upgrade = true
    case .connection, .proxyConnection: break
    default:
      for index in option.start..<option.end {
        guard bytes[index].isTokenCharacter else { throw .connectionMalformed }
      }
      guard !EndToEndFields.contains(name) else { throw .endToEndFieldNominated }
      nominations[nominationCount] = option
      nominationCount &+= 1
    }
  }

  /// Whether an option names this field, so that it is not forwarded.
  func nominate(_ name: Span<UInt8>, in bytes: Span<UInt8>) -> Bool {
    for index in 0..<nominationCount where nominations[index].slice(of: bytes).equalsIgnoringCase(name) { return true }
    return false
  }

  /// Whether the sender keeps the connection open (RFC 9112 §9.3).
  func persists(in version: Version) -> Bool {
    !close && (version == .http11 || keepAlive)
  }
}

/// The elements of a comma-separated list, trimmed of white space; elements may be empty (RFC 9110 §5.6.1).
struct ListElements: ~Escapable {
  private let bytes: Span<UInt8>
  private var position: Int
  private let end: Int

  @_lifetime(copy bytes)
  init(of list: ByteRange, in bytes: Span<UInt8>) {
    self.bytes = bytes
    position = list.start
    end = list.end
  }

  /// The next element; nil at the end.
  mutating func next() -> ByteRange? {
    guard position <= end else { return nil }
    let first = position
    var last = first
    while last < end, bytes[last] != UInt8(ascii: ",") { last &+= 1 }
    position = last &+ 1
    return bytes.withoutBlanks(from: first, to: last)
  }
}
