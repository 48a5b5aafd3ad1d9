/// The first line of a request (RFC 9112 §3): exactly one SP between its three parts, CRLF behind them.
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
  /// Where the first field line begins.
  private(set) var end = 0

  /// The longest token taken for a method; the longest registered one (UPDATEREDIRECTREF) has 17.
  private static let maximumMethodBytes = 24

  /// Reads the line that begins at `start`; nil when the bytes run out first. What is wrong first is reported, but the
  /// version before what the version might explain.
  @inline(__always)
  init?(_ bytes: Span<UInt8>, from start: Int, limits: HeadLimits) throws(Rejection) {
    var index = start
    var word: UInt64 = 0
    while index < bytes.count, bytes[index].isTokenCharacter {
      word = word &>> 8 | UInt64(bytes[index]) &<< 56
      index &+= 1
      guard index &- start <= RequestLine.maximumMethodBytes else { throw .methodUnknown }
    }
    guard index < bytes.count else { return nil }
    guard bytes[index] == UInt8(ascii: " "), index > start else { throw .requestLineMalformed }
    methodName = ByteRange(start: start, end: index)

    let targetStart = index &+ 1
    let pathEnd = bytes.firstOutsideTarget(from: targetStart, orOf: UInt8(ascii: "?"))
    index = pathEnd
    if index < bytes.count, bytes[index] == UInt8(ascii: "?") {
      index = bytes.firstOutsideTarget(from: index &+ 1, orOf: UInt8(ascii: "#"))
    }
    guard index &- targetStart <= limits.requestTarget else { throw .targetTooLong }
    guard index < bytes.count else { return nil }
    guard bytes[index] == UInt8(ascii: " ") else {
      throw bytes[index] == UInt8(ascii: "\r") || bytes[index] == UInt8(ascii: "\n")
        ? .requestLineMalformed : .targetMalformed
    }
    guard index > targetStart else { throw .requestLineMalformed }
    target = ByteRange(start: targetStart, end: index)

    guard let version = try RequestLine.version(of: bytes, at: index &+ 1) else { return nil }
    self.version = version
    end = index &+ 11
    method = try RequestLine.method(word, methodName, of: bytes)
    try readTarget(of: bytes, pathEnd: pathEnd)
  }

  /// `HTTP/1.1` or `HTTP/1.0`, and CRLF; nil when the bytes run out first.
  @inline(__always)
  private static func version(of bytes: Span<UInt8>, at start: Int) throws(Rejection) -> Version? {
    guard let octets = bytes.octets(at: start), octets | 1 << 56 == 0x312e_312f_5054_5448 else {
      return try refuseVersion(of: bytes, at: start)
    }
    guard start &+ 8 < bytes.count else { return nil }
    guard bytes[start &+ 8] == UInt8(ascii: "\r") else {
      throw bytes[start &+ 8] == UInt8(ascii: "\n") ? .bareLineFeed : .versionMalformed
    }
    guard start &+ 9 < bytes.count else { return nil }
    guard bytes[start &+ 9] == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
    return octets == 0x312e_312f_5054_5448 ? .http11 : .http10
  }

  /// Nil while it may still become a version; else throws what is wrong with it.
  private static func refuseVersion(of bytes: Span<UInt8>, at start: Int) throws(Rejection) -> Version? {
    let text: Octets = 0x002e_002f_5054_5448  // HTTP/ . with a digit on either side of the point
    for place in 0..<8 {
      guard start &+ place < bytes.count else { return nil }
      let octet = bytes[start &+ place]
      let expected = UInt8(truncatingIfNeeded: text &>> Octets(truncatingIfNeeded: place &* 8))
      guard expected == 0 ? octet.isDigit : octet == expected else { throw .versionMalformed }
    }
    throw .versionNotSupported
  }

  /// `word` holds the last eight octets of the name, the last in the highest byte.
  @inline(__always)
  private static func method(
    _ word: UInt64, _ name: ByteRange, of bytes: Span<UInt8>
  ) throws(Rejection) -> Method {
    switch word {
    case 0x5445_4700_0000_0000: return .get
    case 0x5453_4f50_0000_0000: return .post
    case 0x4441_4548_0000_0000: return .head
    default: return try rareMethod(word, name, of: bytes)
    }
  }

  private static func rareMethod(
    _ word: UInt64, _ name: ByteRange, of bytes: Span<UInt8>
  ) throws(Rejection) -> Method {
    switch word {
    case 0x5455_5000_0000_0000: return .put
    case 0x4554_454c_4544_0000: return .delete
    case 0x534e_4f49_5450_4f00: return .options
    case 0x4843_5441_5000_0000: return .patch
    // CONNECT would make a tunnel to anywhere, TRACE would tell a script what cookies it may not see (RFC 9110 §9.3.8).
    case 0x5443_454e_4e4f_4300, 0x4543_4152_5400_0000: throw .methodNotAllowed
    default: break
    }
    // Methods are case-sensitive (RFC 9110 §9.1), but not to every server: one that reads `head` as HEAD would leave
    // out the body that we wait for.
    for index in name.start..<name.end {
      let octet = bytes[index]
      guard octet.isUpperCaseLetter || octet.isDigit || octet == UInt8(ascii: "-") else { throw .methodUnknown }
    }
    return .other
  }

  /// Which form the target has, and its parts. `pathEnd` is where its query begins, or its end.
  @inline(__always)
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

  /// Octets of `http://` or `https://` at the start of the target; no other scheme is ours.
  private func schemeCount(of bytes: Span<UInt8>) throws(Rejection) -> Int {
    guard target.count >= 8 else { throw .targetMalformed }
    let scheme = FieldName(ByteRange(start: target.start, end: target.start &+ 8), of: bytes).first
    if scheme & 0xff_ffff_ffff_ffff == 0x2f_2f3a_7074_7468 { return 7 }  // http://
    guard scheme == 0x2f2f_3a73_7074_7468 else { throw .targetMalformed }  // https://
    return 8
  }
}
