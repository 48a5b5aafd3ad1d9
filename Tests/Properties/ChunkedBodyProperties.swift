import HTTP1

/// Properties of any bytes received as a chunked body.
package enum ChunkedBodyProperties {
  /// The first byte is the seed for the split of the rest into reads.
  package static func check(_ input: [UInt8]) throws(Violation) {
    guard let seed = input.first else { return }
    let bytes = Array(input.dropFirst())
    var whole = BodyTracker(.chunked)
    let progress = whole.advance(over: bytes.span)
    try require(progress.accepted <= bytes.count, "accepted more than was offered")
    try require((progress.state == .complete) == whole.isComplete, "complete and not")
    if progress.state == .more { try require(progress.accepted == bytes.count, "held bytes back") }
    try checkCuts(bytes, seed: seed, whole: whole, progress)

    // The forwarded form, whatever white space was received.
    let reference = ReferenceChunks(try relayed(bytes, progress)[...])
    try require(reference.isWellFormed, "accepted a malformed body")
    try require(reference.isComplete == whole.isComplete, "complete: \(whole.isComplete)")
    try require(reference.contentBytes == whole.contentBytes, "content of \(whole.contentBytes) bytes")
  }

  /// The accepted bytes as they are forwarded.
  fileprivate static func relayed(
    _ bytes: [UInt8], _ progress: BodyTracker.Progress
  ) throws(Violation) -> [UInt8] {
    var tracker = BodyTracker(.chunked)
    var output: [UInt8] = []
    var state = BodyTracker.State.more
    while state == .more, output.count < bytes.count {
      let step = tracker.advance(over: bytes.span.extracting(output.count..<bytes.count), relayed: true)
      output += bytes[output.count..<output.count + step.accepted]
      if let octet = step.replacement { output[output.count - 1] = octet }
      state = step.state
      try require(state != .more || step.replacement != nil || output.count == bytes.count, "held bytes back")
    }
    try require(output.count == progress.accepted && state == progress.state, "relayed and read differ")
    return output
  }

  private static func checkCuts(
    _ bytes: [UInt8], seed: UInt8, whole: BodyTracker, _ progress: BodyTracker.Progress
  ) throws(Violation) {
    var pieces = BodyTracker(.chunked)
    var position = 0
    var state = BodyTracker.State.more
    var size = Int(seed) + 1
    while position < bytes.count, state == .more {
      size = (size * 7 + 3) % 23 + 1
      let offered = min(size, bytes.count - position)
      let step = pieces.advance(over: bytes.span.extracting(position..<(position + offered)))
      position += step.accepted
      state = step.state
    }
    try require(position == progress.accepted, "in pieces \(position), whole \(progress.accepted)")
    try require(state == progress.state, "in pieces \(state), whole \(progress.state)")
    try require(pieces.contentBytes == whole.contentBytes, "content differs in pieces")
  }
}

/// The reference parser: the accepted part of a chunked body, parsed slowly and simply.
struct ReferenceChunks {
  private(set) var isWellFormed = true
  private(set) var isComplete = false
  private(set) var contentBytes: UInt64 = 0
  private var rest: ArraySlice<UInt8>

  /// Whether a complete body is at the start of `bytes` by the fast parser, as far as this one agrees. This one parses
  /// the forwarded form: white space before an extension, which only the fast one accepts (RFC 9112 §7.1.1), is
  /// replaced.
  static func isWhole(_ bytes: ArraySlice<UInt8>) throws(Violation) -> Bool {
    let array = Array(bytes)
    var body = BodyTracker(.chunked)
    let progress = body.advance(over: array.span)
    let reference = ReferenceChunks(try ChunkedBodyProperties.relayed(array, progress)[...])
    return body.isComplete && reference.isWellFormed && reference.isComplete
  }

  init(_ bytes: ArraySlice<UInt8>) {
    rest = bytes
    while isWellFormed, !isComplete, let line = takeLine() {
      let digits = line.prefix { $0 != UInt8(ascii: ";") }
      guard let size = UInt64(String(decoding: digits, as: UTF8.self), radix: 16), digits.first != UInt8(ascii: "+")
      else {
        isWellFormed = false
        return
      }
      if size == 0 {
        takeTrailers()
        return
      }
      let content = rest.prefix(Int(clamping: size))
      contentBytes += UInt64(content.count)
      rest = rest.dropFirst(content.count)
      guard content.count == size, rest.count >= 2 else { break }
      isWellFormed = rest.starts(with: [13, 10])
      rest = rest.dropFirst(2)
    }
  }

  /// The next line without its CRLF; nil if it is incomplete.
  private mutating func takeLine() -> ArraySlice<UInt8>? {
    guard let end = rest.firstIndex(of: 10) else { return nil }
    guard end > rest.startIndex, rest[end - 1] == 13 else {
      isWellFormed = false
      return nil
    }
    defer { rest = rest[(end + 1)...] }
    let line = rest[..<(end - 1)]
    if line.contains(13) { isWellFormed = false }
    return line
  }

  private mutating func takeTrailers() {
    while isWellFormed, let line = takeLine() {
      if line.isEmpty {
        isComplete = true
        isWellFormed = rest.isEmpty
        return
      }
      let name = String(decoding: line.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self).lowercased()
      let forbidden = ["content-length", "transfer-encoding", "host", "connection", "cookie", "authorization"]
      if name.count == line.count || forbidden.contains(name) { isWellFormed = false }
    }
  }
}
