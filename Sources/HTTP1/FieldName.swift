/// A field name in lower case, as words that compare in a few instructions: what identifies it (RFC 9110 §5.1).
///
/// Only the first 32 octets are held; no name that this proxy knows is longer.
struct FieldName: BitwiseCopyable, Hashable, Sendable {
  /// Octets of the name, also of those that are not held.
  private(set) var length = 0
  private(set) var first: Octets = 0
  private(set) var second: Octets = 0
  private(set) var third: Octets = 0
  private(set) var fourth: Octets = 0

  @inline(__always)
  init() {}

  /// ASCII text in lower case.
  init(_ text: String) {
    for octet in text.utf8 { append(octet) }
  }

  /// Appends `count` octets, 0 ≤ count ≤ 8, zero behind them. Only after whole words.
  @inline(__always)
  mutating func append(_ octets: Octets, count: Int) {
    switch length {
    case 0: first = octets
    case 8: second = octets
    case 16: third = octets
    case 24: fourth = octets
    default: break
    }
    length &+= count
  }

  /// Appends one octet, a letter in lower case.
  mutating func append(_ octet: UInt8) {
    let upperCase = octet >= UInt8(ascii: "A") && octet <= UInt8(ascii: "Z")
    let octets = Octets(upperCase ? octet | 0x20 : octet) &<< Octets(truncatingIfNeeded: (length & 7) &* 8)
    switch length &>> 3 {
    case 0: first |= octets
    case 1: second |= octets
    case 2: third |= octets
    case 3: fourth |= octets
    default: break
    }
    length &+= 1
  }
}

/// Values that are compared the same way: an option of Connection, a transfer coding, an upgrade's protocol, an
/// expectation. A test compares each literal with its text.
extension FieldName {
  @inline(__always)
  var isClose: Bool { length == 5 && first == 0x65_736f_6c63 }

  @inline(__always)
  var isChunked: Bool { length == 7 && first == 0x64_656b_6e75_6863 }

  var isWebSocket: Bool { length == 9 && first == 0x656b_636f_7362_6577 && second == 0x74 }

  var isContinue: Bool { length == 12 && first == 0x746e_6f63_2d30_3031 && second == 0x6575_6e69 }

  /// A scheme that authenticates the connection, not the request: NTLM, Negotiate (RFC 4559 §6) and its older names.
  var isConnectionBoundScheme: Bool {
    switch (length, first) {
    case (4, 0x6d6c_746e), (5, 0x32_6f67_656e), (8, 0x736f_7265_6272_656b): true  // ntlm, nego2, kerberos
    case (9, 0x7461_6974_6f67_656e): second == 0x65  // negotiate
    default: false
    }
  }

  /// The text of `range`, letters in lower case.
  init(_ range: ByteRange, of bytes: Span<UInt8>) {
    for index in range.start..<range.end { append(bytes[index]) }
  }
}

/// The fields of a head that mean something to this proxy. All others are `other`, and are copied unread.
enum KnownField: UInt8, BitwiseCopyable, CaseIterable {
  case other
  // Framing and routing (RFC 9112 §6, §3.2).
  case contentLength, transferEncoding, host
  // Hop by hop (RFC 9110 §7.6.1).
  case connection, keepAlive, proxyConnection, te, upgrade, proxyAuthorization
  case expect
  // Who the client is, as a proxy in front of us may say it; `forwardedOther` is every other name in `X-Forwarded-`.
  case forwarded, forwardedFor, forwardedProto, forwardedHost, forwardedOther, realIP
  // Authentication, which may be bound to the connection (RFC 4559).
  case authorization, wwwAuthenticate, proxyAuthenticate, persistentAuth

  /// Which one `name` is. The literals are the words of `FieldName`; a test compares each with its text.
  @inline(__always)
  init(_ name: FieldName) {
    if name.first == 0x7261_7772_6f66_2d78, name.second & 0xffff_ffff == 0x2d64_6564 {  // x-forwarded-
      self = KnownField.forwardedField(name)
      return
    }
    switch name.length {
    case 2 where name.first == 0x6574: self = .te
    case 4 where name.first == 0x7473_6f68: self = .host
    case 6 where name.first == 0x7463_6570_7865: self = .expect
    case 7 where name.first == 0x65_6461_7267_7075: self = .upgrade
    case 9, 10, 13, 14: self = KnownField.ofTwoWords(name)
    case 15 where name.first == 0x6574_7369_7372_6570 && name.second == 0x68_7475_612d_746e: self = .persistentAuth
    case 16, 17, 18, 19: self = KnownField.ofLongName(name)
    default: self = .other
    }
  }

  @inline(__always)
  private static func ofTwoWords(_ name: FieldName) -> KnownField {
    switch name.first {
    case 0x6974_6365_6e6e_6f63 where name.length == 10 && name.second == 0x6e6f: .connection
    case 0x2d74_6e65_746e_6f63 where name.length == 14 && name.second == 0x6874_676e_656c: .contentLength
    case 0x696c_612d_7065_656b where name.length == 10 && name.second == 0x6576: .keepAlive
    case 0x7a69_726f_6874_7561 where name.length == 13 && name.second == 0x6e_6f69_7461: .authorization
    case 0x6564_7261_7772_6f66 where name.length == 9 && name.second == 0x64: .forwarded
    case 0x692d_6c61_6572_2d78 where name.length == 9 && name.second == 0x70: .realIP
    default: .other
    }
  }

  @inline(__always)
  private static func ofLongName(_ name: FieldName) -> KnownField {
    switch name.first {
    case 0x7265_6673_6e61_7274  // transfer-encoding
    where name.length == 17 && name.second == 0x6e69_646f_636e_652d && name.third == 0x67:
      .transferEncoding
    case 0x6874_7561_2d77_7777 where name.length == 16 && name.second == 0x6574_6163_6974_6e65: .wwwAuthenticate
    case 0x6f63_2d79_786f_7270 where name.length == 16 && name.second == 0x6e6f_6974_6365_6e6e: .proxyConnection
    case 0x7561_2d79_786f_7270:  // proxy-au
      if name.length == 18, name.second == 0x6163_6974_6e65_6874, name.third == 0x6574 {
        .proxyAuthenticate
      } else if name.length == 19, name.second == 0x7461_7a69_726f_6874, name.third == 0x6e_6f69 {
        .proxyAuthorization
      } else {
        .other
      }
    default: .other
    }
  }

  /// A name that begins with `x-forwarded-`.
  private static func forwardedField(_ name: FieldName) -> KnownField {
    switch (name.length, name.second &>> 32) {
    case (15, 0x72_6f66): .forwardedFor
    case (16, 0x7473_6f68): .forwardedHost
    case (17, 0x746f_7270) where name.third == 0x6f: .forwardedProto
    default: .forwardedOther
    }
  }
}
