/// A field name in lower case (RFC 9110 §5.1), stored as words that can be compared in a few instructions.
///
/// Only the first 32 octets are stored; no name known to this proxy is longer.
struct FieldName: BitwiseCopyable, Hashable, Sendable {
  /// The length of the name, including octets that are not stored.
  var length = 0
  private(set) var first: Octets = 0
  private(set) var second: Octets = 0
  private(set) var third: Octets = 0
  private(set) var fourth: Octets = 0

  @inline(always)
  init() {}

  /// ASCII text in lower case.
  init(_ text: String) {
    for octet in text.utf8 { append(octet) }
  }

  /// The text of `range`, which is part of a value.
  init(_ range: ByteRange, of bytes: Span<UInt8>) {
    var rest = range.slice(of: bytes)
    length = rest.count
    rest.dropWord(into: &first)
    rest.dropWord(into: &second)
    if rest.count == 0 { return }
    rest.dropWord(into: &third)
    rest.dropWord(into: &fourth)
  }

  /// Removes the leading letters and hyphens of `text` and stores them; the caller counts them. May stop early when
  /// less than a word is left.
  @inline(always)
  @_lifetime(text: copy text)
  mutating func dropWords(from text: inout Span<UInt8>) {
    guard text.dropNameOctets(into: &first), text.dropNameOctets(into: &second) else { return }
    guard text.dropNameOctets(into: &third) else { return }
    _ = text.dropNameOctets(into: &fourth)
  }

  /// Appends one octet, a letter in lower case.
  mutating func append(_ octet: UInt8) {
    let octets = Octets(octet.lowerCased) &<< Octets(truncatingIfNeeded: (length & 7) &* 8)
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

/// Values that are compared in the same way: a Connection option, a transfer coding, an upgrade protocol, an
/// expectation. A test compares each literal with its text.
extension FieldName {
  var isClose: Bool { length == 5 && first == 0x65_736f_6c63 }

  var isKeepAlive: Bool { length == 10 && first == 0x696c_612d_7065_656b && second == 0x6576 }

  var isChunked: Bool { length == 7 && first == 0x64_656b_6e75_6863 }

  var isWebSocket: Bool { length == 9 && first == 0x656b_636f_7362_6577 && second == 0x74 }

  var isContinue: Bool { length == 12 && first == 0x746e_6f63_2d30_3031 && second == 0x6575_6e69 }

  /// A scheme that authenticates the connection instead of the request: NTLM, Negotiate (RFC 4559 §6) and its older
  /// names.
  var isConnectionBoundScheme: Bool {
    switch (length, first) {
    case (4, 0x6d6c_746e), (5, 0x32_6f67_656e), (8, 0x736f_7265_6272_656b): true  // ntlm, nego2, kerberos
    case (9, 0x7461_6974_6f67_656e): second == 0x65  // negotiate
    default: false
    }
  }
}

/// The fields of a head that this proxy evaluates. All others are `other`, and are copied unread.
enum KnownField: UInt8, BitwiseCopyable, CaseIterable {
  case other
  // Framing and routing (RFC 9112 §6, §3.2).
  case contentLength, transferEncoding, host
  // Hop by hop (RFC 9110 §7.6.1).
  case connection, keepAlive, proxyConnection, te, upgrade, proxyAuthorization
  /// Not a field: reserved, since it could be confused with the Connection option (RFC 9110 §18.4).
  case close
  case expect
  // The client's identity as sent by a proxy in front of us; `forwardedOther` is every other name starting with
  // `X-Forwarded-`.
  case forwarded, forwardedFor, forwardedProto, forwardedHost, forwardedOther, realIP
  /// Other fields with that purpose, see `ForwardingFieldNames`.
  case proxyClaim
  /// Those about the client's certificate.
  case certificateClaim
  /// `Proxy`, which CGI programs receive as the variable HTTP_PROXY and use as their own proxy.
  case proxy
  // Authentication, which may be bound to the connection (RFC 4559).
  case authorization, wwwAuthenticate, proxyAuthenticate, persistentAuth

  /// The field called `name`. The literals are the words of `FieldName`; a test compares each with its text.
  @inline(always)
  init(_ name: FieldName) {
    switch name.first {
    case 0x2d74_6e65_746e_6f63: self = name.continues(0x6874_676e_656c, length: 14) ? .contentLength : .other
    case 0x7265_6673_6e61_7274:
      self = name.continues(0x6e69_646f_636e_652d, 0x67, length: 17) ? .transferEncoding : .other
    case 0x7473_6f68: self = name.length == 4 ? .host : .other
    case 0x6974_6365_6e6e_6f63: self = name.continues(0x6e6f, length: 10) ? .connection : .other
    case 0x696c_612d_7065_656b: self = name.continues(0x6576, length: 10) ? .keepAlive : .other
    case 0x6f63_2d79_786f_7270: self = name.continues(0x6e6f_6974_6365_6e6e, length: 16) ? .proxyConnection : .other
    case 0x6574: self = name.length == 2 ? .te : .other
    case 0x65_736f_6c63: self = name.length == 5 ? .close : .other
    case 0x65_6461_7267_7075: self = name.length == 7 ? .upgrade : .other
    case 0x7463_6570_7865: self = name.length == 6 ? .expect : .other
    case 0x6564_7261_7772_6f66: self = name.continues(0x64, length: 9) ? .forwarded : KnownField.claim(name)
    case 0x79_786f_7270: self = name.length == 5 ? .proxy : .other
    case 0x2d6e_6463_2d69_6c61, 0x656e_6e6f_632d_6663, 0x6475_6573_702d_6663, 0x632d_746e_6569_6c63,
      0x692d_746e_6569_6c63, 0x632d_796c_7473_6166, 0x6569_6c63_2d79_6c66, 0x6e65_2d74_6e6f_7266,
      0x6576_6f2d_7473_6f68, 0x6c63_2d79_786f_7270, 0x612d_6574_6f6d_6572, 0x752d_6574_6f6d_6572,
      0x6e2d_7470_6972_6373, 0x6569_6c63_2d6c_7373, 0x696c_632d_6575_7274, 0x7978_6f72_702d_6c77:
      self = KnownField.claim(name)
    case 0x692d_6c61_6572_2d78: self = name.continues(0x70, length: 9) ? .realIP : .other
    case 0x7a69_726f_6874_7561: self = name.continues(0x6e_6f69_7461, length: 13) ? .authorization : .other
    case 0x6874_7561_2d77_7777: self = name.continues(0x6574_6163_6974_6e65, length: 16) ? .wwwAuthenticate : .other
    case 0x6574_7369_7372_6570: self = name.continues(0x68_7475_612d_746e, length: 15) ? .persistentAuth : .other
    case 0x7561_2d79_786f_7270: self = KnownField.forProxy(name)
    case 0x7261_7772_6f66_2d78: self = KnownField.forwardedField(name)
    default: self = name.first & 0xffff == 0x2d78 ? ForwardingFieldNames.field(name) : .other  // x-
    }
  }

  @inline(never)
  private static func claim(_ name: FieldName) -> KnownField {
    ForwardingFieldNames.find(name)
  }

  /// A name that starts with `proxy-au`.
  private static func forProxy(_ name: FieldName) -> KnownField {
    if name.continues(0x6163_6974_6e65_6874, 0x6574, length: 18) { return .proxyAuthenticate }
    return name.continues(0x7461_7a69_726f_6874, 0x6e_6f69, length: 19) ? .proxyAuthorization : .other
  }

  /// A name that starts with `x-forwar`.
  private static func forwardedField(_ name: FieldName) -> KnownField {
    guard name.second & 0xffff_ffff == 0x2d64_6564 else { return claim(name) }  // ded-
    if name.continues(0x72_6f66_2d64_6564, length: 15) { return .forwardedFor }
    if name.continues(0x7473_6f68_2d64_6564, length: 16) { return .forwardedHost }
    if name.continues(0x746f_7270_2d64_6564, 0x6f, length: 17) { return .forwardedProto }
    return ForwardingFieldNames.find(name) == .certificateClaim ? .certificateClaim : .forwardedOther
  }
}

extension FieldName {
  /// Whether the second and third words and the length match.
  @inline(always)
  fileprivate func continues(_ second: Octets, _ third: Octets = 0, length: Int) -> Bool {
    self.second == second && self.third == third && self.length == length
  }
}
