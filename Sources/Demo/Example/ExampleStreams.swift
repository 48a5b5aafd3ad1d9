import HTTP1
import Wire

// Streams that go both ways for as long as they like.
extension ExampleConnection where Stream: ~Copyable {
  /// Longest chunk that the tunnel takes, in bytes.
  static var longestTunnelChunk: UInt64 { 1 << 20 }

  /// The tunnel: answers at once, before the request has ended, then sends each chunk back as one chunk the moment it
  /// is whole. The answer ends when the request does.
  mutating func serveTunnel(_ request: ExampleRequest, _ head: RequestHead) throws(DemoError) -> Bool {
    guard head.framing == .chunked else { throw .refused(.badRequest, "A tunnel's request is chunked.") }
    if head.expectsContinue { try sendContinue() }
    stream.timeout = nil
    try send(
      ExampleAnswer(.ok, streaming: .chunked, [.init("Content-Type", "application/octet-stream")]),
      closes: !request.keepsAlive)
    var decoder = ChunkDecoder()
    var content: [UInt8] = []
    while true {
      switch try nextTunnelEvent(&decoder) {
      case .begins(let size):
        // The head has been sent, so nothing is left but to go.
        guard size <= Self.longestTunnelChunk else { throw .broken("a chunk of \(size) bytes came through a tunnel") }
      case .content(let count):
        content += received.bytes(0..<count)
        received.consume(count)
      case .ends:
        try stream.send(Self.chunk(content).span)
        content.removeAll(keepingCapacity: true)
      case .bodyEnds:
        try stream.send(Self.lastChunk.span)
        return request.keepsAlive
      }
    }
  }

  /// A malformed chunk can't be answered any more: the answer is under way.
  private mutating func nextTunnelEvent(_ decoder: inout ChunkDecoder) throws(DemoError) -> ChunkEvent {
    do { return try nextChunkEvent(&decoder) } catch {
      if case .refused(_, let reason) = error { throw .broken(reason) }
      throw error
    }
  }

  /// A WebSocket from its handshake to its end, which is the connection's end too.
  mutating func serveWebSocket(_ request: ExampleRequest) throws(DemoError) -> Bool {
    let answer = WebSocketHandshake.answer(to: request)
    guard answer.status == .switchingProtocols else { return try complete(request, answer) }
    try send(answer, closes: false)
    stream.timeout = nil
    var echo = WebSocketEcho()
    while true {
      echo.receive(received.span)
      received.consume(received.count)
      let output = echo.takeOutput()
      if !output.isEmpty { try stream.send(output.span) }
      guard !echo.isEnded, try received.receive(from: &stream) else { return false }
    }
  }
}
