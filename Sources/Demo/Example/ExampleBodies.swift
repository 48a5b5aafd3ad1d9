import HTTP1
import TLS
import Wire

// Request bodies, and responses whose body is generated while it is sent.
extension ExampleConnection where Stream: ~Copyable {
  /// Reads and discards the whole body.
  mutating func skipBody(_ head: RequestHead) throws(DemoError) {
    try forEachPiece(of: head) { (_) throws(DemoError) in }
  }

  /// Reads the whole body.
  mutating func keepBody(_ head: RequestHead, limit: Int) throws(DemoError) -> [UInt8] {
    var body: [UInt8] = []
    try forEachPiece(of: head) { (piece) throws(DemoError) in
      guard piece.count <= limit - body.count else { throw .refused(.contentTooLarge, "At most \(limit) bytes.") }
      for index in 0..<piece.count { body.append(piece[index]) }
    }
    return body
  }

  /// Reads the whole body and returns the SHA-256 of its content, in the format of sha256sum.
  mutating func digestBody(_ head: RequestHead) throws(DemoError) -> String {
    var digest = try needed(RunningDigest.init)
    try forEachPiece(of: head) { (piece) throws(DemoError) in digest.update(piece) }
    return Hexadecimal.text(digest.finish())
  }

  /// Calls `body` with the pieces of the request's content, without chunk framing.
  private mutating func forEachPiece(
    of head: RequestHead, _ body: (Span<UInt8>) throws(DemoError) -> Void
  ) throws(DemoError) {
    if head.expectsContinue, head.framing != .none { try sendContinue() }
    switch head.framing {
    case .none, .untilClose: return
    case .length(var remaining):
      while remaining > 0 {
        if received.isEmpty { try receiveMore() }
        let count = Int(min(remaining, UInt64(received.count)))
        try body(received.span.extracting(0..<count))
        received.consume(count)
        remaining -= UInt64(count)
      }
    case .chunked:
      var decoder = ChunkDecoder()
      while true {
        switch try nextChunkEvent(&decoder) {
        case .content(let count):
          try body(received.span.extracting(0..<count))
          received.consume(count)
        case .begins, .ends: break
        case .bodyEnds: return
        }
      }
    }
  }

  /// The next event of a chunked body; for content, the received bytes at the front, which the caller must consume.
  mutating func nextChunkEvent(_ decoder: inout ChunkDecoder) throws(DemoError) -> ChunkEvent {
    while true {
      let (event, consumed): (ChunkDecoder.Event, Int)
      do { (event, consumed) = try decoder.next(received.span) } catch {
        throw .refused(.badRequest, "The body is not chunked as RFC 9112 section 7.1 says.")
      }
      if event == .content { return .content(consumed) }
      received.consume(consumed)
      switch event {
      case .needsMore: try receiveMore()
      case .chunkBegins(let size): return .begins(size)
      case .chunkEnds: return .ends
      case .bodyEnds: return .bodyEnds
      case .content: break
      }
    }
  }

  enum ChunkEvent {
    case begins(UInt64)
    case content(Int)
    case ends
    case bodyEnds
  }

  /// RFC 9110 §10.1.1: the client waits for it before it sends the content.
  mutating func sendContinue() throws(DemoError) {
    try stream.send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8).span)
  }

  private mutating func receiveMore() throws(DemoError) {
    guard try received.receive(from: &stream) else { throw .broken("the client went in the middle of its request") }
  }

  /// Sends `count` bytes of the pattern.
  mutating func sendPattern(
    _ request: ExampleRequest, _ count: UInt64, framing: ExampleAnswer.Framing
  ) throws(DemoError) -> Bool {
    let closes = !request.keepsAlive || framing == .untilClose
    let head = ExampleAnswer(.ok, streaming: framing, [.init("Content-Type", "application/octet-stream")])
    try send(head, closes: closes)
    guard request.method != "HEAD" else { return !closes }
    let block = BytePattern.block
    let piece = framing == .chunked ? Self.chunk(block) : block
    for _ in 0..<count / UInt64(block.count) { try stream.send(piece.span) }
    let rest = Array(block.prefix(Int(count % UInt64(block.count))))
    if !rest.isEmpty {
      let piece = framing == .chunked ? Self.chunk(rest) : rest
      try stream.send(piece.span)
    }
    if framing == .chunked { try stream.send(Self.lastChunk.span) }
    return !closes
  }

  /// Sends a response that ends with the connection.
  mutating func sendUntilClose(_ request: ExampleRequest) throws(DemoError) -> Bool {
    let head = ExampleAnswer(.ok, streaming: .untilClose, [.init("Content-Type", "text/plain;charset=UTF-8")])
    try send(head, closes: true)
    if request.method != "HEAD" {
      try stream.send(Array("This answer is over when \(state.site.name) closes the connection.\n".utf8).span)
    }
    return false
  }

  /// One chunk with this content (RFC 9112 §7.1).
  static func chunk(_ content: [UInt8]) -> [UInt8] {
    Array((String(content.count, radix: 16) + "\r\n").utf8) + content + [0x0D, 0x0A]
  }

  /// The last chunk and an empty trailer section.
  static var lastChunk: [UInt8] { Array("0\r\n\r\n".utf8) }
}
