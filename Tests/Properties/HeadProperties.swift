import HTTP1

/// Properties of request heads and response heads.
enum HeadProperties {
  static let limits = HeadLimits(bytes: 4_096, fieldLines: 40, requestTarget: 1_024)

  /// Removed from every message (RFC 9110 §7.6.1); `close` is reserved (§18.4).
  static let hopByHop: Set = ["connection", "keep-alive", "proxy-connection", "upgrade", "close"]

  /// A verdict does not depend on the split of the bytes: every prefix is incomplete or has the same verdict,
  /// and the scanner gives the same result as a single parse.
  static func checkCuts<Head>(
    _ bytes: [UInt8], length: (Head) -> Int, parse: (Span<UInt8>) -> Parsed<Head>
  ) throws(Violation) {
    var scanner = HeadScanner()
    var scanned: Parsed<Head>?
    let whole = parse(bytes.span)
    if case .incomplete = whole, bytes.count >= limits.bytes { throw Violation("incomplete beyond the limit") }
    for count in cuts(of: bytes.count) {
      let piece = bytes.span.extracting(first: count)
      if scanned == nil, scanner.isWorthParsing(piece, limits: limits) {
        let parsed = parse(piece)
        if case .incomplete = parsed {} else { scanned = parsed }
      }
      switch (parse(piece), whole) {
      case (.incomplete, .incomplete): break
      case (.incomplete, .head(let head)): try require(count < length(head), "incomplete at \(count), a head before")
      case (.incomplete, .rejected): break
      case (.head(let part), .head(let head)):
        try require(length(part) == length(head) && count >= length(head), "a head of \(count) bytes differs")
      case (.rejected(let part), .rejected(let rejection)):
        // A head is too large only from its limit on.
        try require(part == rejection, "\(part) at \(count), \(rejection) in all")
      case (let part, _): throw Violation("\(part) at \(count), \(whole) in all")
      }
    }
    switch (scanned, whole) {
    // Bytes that cannot end a head are refused if they are complete; if they arrive one by one, a time-out ends them.
    case (nil, .incomplete), (nil, .rejected): break
    case (.head(let part)?, .head(let head)): try require(length(part) == length(head), "scanned another head")
    case (.rejected(let part)?, .rejected(let rejection)):
      try require(part == rejection, "scanned \(part), \(rejection) in all")
    case (let part, _): throw Violation("scanned \(String(describing: part)), \(whole) in all")
    }
  }

  /// All lengths of a short input, and those around the middle and the end of a long one.
  private static func cuts(of count: Int) -> [Int] {
    guard count > 200 else { return Array(0...count) }
    return Array(0...60) + Array((count / 2)...(count / 2 + 20)) + Array((count - 60)...count)
  }

  /// The framing of a well-formed head by the reference parser. Nil if it is ambiguous.
  static func framing(of reference: ReferenceHead) -> Framing?? {
    let codings = reference.all("transfer-encoding")
    let lengths = reference.all("content-length")
    guard codings.count + lengths.count <= 1 else { return nil }
    if let coding = codings.first { return coding.text == "chunked" ? .some(.chunked) : nil }
    if let length = lengths.first {
      guard length.value.allSatisfy({ $0 >= 48 && $0 <= 57 }), let value = UInt64(length.text) else { return nil }
      return .some(value == 0 ? Framing.none : .length(value))
    }
    return .some(nil)
  }
}
