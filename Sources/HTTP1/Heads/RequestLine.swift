/// The first line of a request (RFC 9112 §3): exactly one SP between its three parts, then CRLF.
struct RequestLine: BitwiseCopyable {
  private(set) var method = Method.other
  private(set) var methodName: ByteRange
  private(set) var target = ByteRange.absent
  private(set) var targetForm = TargetForm.origin
  /// The authority of an absolute-form target.
  private(set) var authority = ByteRange.absent
  private(set) var path = ByteRange.absent
  private(set) var pathAndQuery = ByteRange.absent
  private(set) var version = Version.http11
  /// Where the first field line starts.
  private(set) var end = 0

  /// The longest accepted method; the longest registered one (UPDATEREDIRECTREF) has 17 octets.
  private static let maximumMethodBytes = 24

  /// Parses the line at `start`; nil when it is incomplete. The first error is reported, but an invalid version before
  /// errors that the version may explain.
  @inline(always)
  init?(_ bytes: Span<UInt8>, from start: Int, limits: HeadLimits) throws(Rejection) {
    var rest = bytes.extracting(droppingFirst: start)
    var count = RequestLine.knownMethod(at: rest, &method)
    if count == 0 {
      while count < rest.count, rest[count].isTokenCharacter {
        count &+= 1
        guard count <= RequestLine.maximumMethodBytes else { throw .methodUnknown }
      }
    }
    methodName = ByteRange(start: start, end: start &+ count)
    rest.drop(count)
    guard rest.count > 0 else { return nil }
    guard rest[0] == UInt8(ascii: " "), count > 0 else { throw .requestLineMalformed }

    rest.drop(1)
    rest.dropTarget(upTo: UInt8(ascii: "?"))
    let pathEnd = bytes.count &- rest.count
    if rest.count > 0, rest[0] == UInt8(ascii: "?") {
      rest.drop(1)
      rest.dropTarget(upTo: UInt8(ascii: "#"))
    }
    target = ByteRange(start: methodName.end &+ 1, end: bytes.count &- rest.count)
    guard target.count <= limits.requestTarget else { throw .targetTooLong }
    guard rest.count > 0 else { return nil }
    guard rest[0] == UInt8(ascii: " "), !target.isEmpty else { throw RequestLine.refusal(of: rest[0]) }

    rest.drop(1)
    guard let version = try RequestLine.version(rest) else { return nil }
    self.version = version
    end = target.end &+ 11
    if method == .other { try RequestLine.checkMethod(methodName, of: bytes) }
    try readTarget(of: bytes, pathEnd: pathEnd)
  }

  /// The rejection for an invalid octet after a target, or where one must start.
  private static func refusal(of octet: UInt8) -> Rejection {
    switch octet {
    case UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: " "): .requestLineMalformed
    default: .targetMalformed
    }
  }

  /// `HTTP/1.1` or `HTTP/1.0` and CRLF, which `rest` must start with; nil when it is incomplete.
  @inline(always)
  private static func version(_ rest: Span<UInt8>) throws(Rejection) -> Version? {
    guard rest.count >= 10 else { return try refuseVersion(rest) }
    let octets = rest.firstOctets
    guard octets | 1 &<< 56 == 0x312e_312f_5054_5448, rest[8] == UInt8(ascii: "\r"), rest[9] == UInt8(ascii: "\n")
    else { return try refuseVersion(rest) }
    return octets == 0x312e_312f_5054_5448 ? .http11 : .http10
  }

  /// Nil while the version is incomplete but valid; otherwise throws.
  @inline(never)
  private static func refuseVersion(_ rest: Span<UInt8>) throws(Rejection) -> Version? {
    let text: Octets = 0x002e_002f_5054_5448  // HTTP/ . with a digit on either side of the point
    for index in 0..<min(rest.count, 8) {
      let expected = UInt8(truncatingIfNeeded: text &>> Octets(truncatingIfNeeded: index &* 8))
      guard expected == 0 ? rest[index].isDigit : rest[index] == expected else { throw .versionMalformed }
    }
    guard rest.count >= 8 else { return nil }
    guard rest.firstOctets | 1 &<< 56 == 0x312e_312f_5054_5448 else { throw .versionNotSupported }
    guard rest.count >= 9 else { return nil }
    guard rest[8] == UInt8(ascii: "\r") else { throw rest[8] == UInt8(ascii: "\n") ? .bareLineFeed : .versionMalformed }
    guard rest.count >= 10 else { return nil }
    throw .bareCarriageReturn
  }

  /// Sets `method` when `text` starts with a known one and SP, and returns its length; otherwise 0.
  @inline(always)
  private static func knownMethod(at text: Span<UInt8>, _ method: inout Method) -> Int {
    guard text.count >= 8 else { return 0 }
    let octets = text.firstOctets
    let spaces = octets.equal(to: UInt8(ascii: " "))
    guard spaces != 0 else { return 0 }
    let count = spaces.lowestHit
    // Compares the length too: the octets alone can't distinguish NUL from padding.
    switch (octets.prefix(count), count) {
    case (0x54_4547, 3): method = .get
    case (0x5453_4f50, 4): method = .post
    case (0x4441_4548, 4): method = .head
    case (0x54_5550, 3): method = .put
    case (0x4554_454c_4544, 6): method = .delete
    case (0x53_4e4f_4954_504f, 7): method = .options
    case (0x48_4354_4150, 5): method = .patch
    default: return 0
    }
    return count
  }

  /// Refuses methods that are not relayed. Other methods are upper-case tokens.
  private static func checkMethod(_ range: ByteRange, of bytes: Span<UInt8>) throws(Rejection) {
    // Methods are case-sensitive (RFC 9110 §9.1), but some servers ignore case: one that takes `head` for HEAD would
    // send no body, while we wait for one.
    for index in range.start..<range.end {
      let octet = bytes[index]
      guard octet.isUpperCaseLetter || octet.isDigit || octet == UInt8(ascii: "-") else { throw .methodUnknown }
    }
    // CONNECT would open a tunnel to anywhere; TRACE would reveal protected cookies to scripts (RFC 9110 §9.3.8).
    switch FieldName(range, of: bytes).first {
    case 0x74_6365_6e6e_6f63, 0x65_6361_7274: throw .methodNotAllowed
    default: break
    }
  }

  /// Determines the target's form and parts. `pathEnd` is the start of the query, or the end of the target.
  @inline(always)
  private mutating func readTarget(of bytes: Span<UInt8>, pathEnd: Int) throws(Rejection) {
    if bytes[target.start] == UInt8(ascii: "/") {
      path = ByteRange(start: target.start, end: pathEnd)
      pathAndQuery = target
    } else {
      try readRareTarget(of: bytes, pathEnd: pathEnd)
    }
  }

  private mutating func readRareTarget(of bytes: Span<UInt8>, pathEnd: Int) throws(Rejection) {
    if bytes[target.start] == UInt8(ascii: "*") {
      guard target.count == 1, method == .options else { throw .targetMalformed }
      targetForm = .asterisk
      return
    }
    targetForm = .absolute
    let scheme = try schemeCount(of: bytes)
    var authorityEnd = target.start &+ scheme
    while authorityEnd < pathEnd, bytes[authorityEnd] != UInt8(ascii: "/") { authorityEnd &+= 1 }
    authority = ByteRange(start: target.start &+ scheme, end: authorityEnd)
    path = ByteRange(start: authorityEnd, end: pathEnd)
    pathAndQuery = ByteRange(start: authorityEnd, end: target.end)
  }

  /// The length of `http://` or `https://` at the start of the target; other schemes are refused.
  private func schemeCount(of bytes: Span<UInt8>) throws(Rejection) -> Int {
    guard target.count >= 8 else { throw .targetMalformed }
    let scheme = FieldName(ByteRange(start: target.start, end: target.start &+ 8), of: bytes).first
    if scheme & 0xff_ffff_ffff_ffff == 0x2f_2f3a_7074_7468 { return 7 }  // http://
    guard scheme == 0x2f2f_3a73_7074_7468 else { throw .targetMalformed }  // https://
    return 8
  }
}
