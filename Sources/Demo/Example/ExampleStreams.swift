import HTTP1
import Wire

// Bidirectional streams of unlimited duration.
extension ExampleConnection where Stream: ~Copyable {
  /// The longest chunk accepted by the tunnel, in bytes.
  static var longestTunnelChunk: UInt64 { 1 << 20 }

  /// The tunnel: responds at once, before the request has ended, then echoes each chunk as soon as it is complete. The
  /// response ends with the request.
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
        // The head was sent already, so the connection must be closed.
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

  /// A malformed chunk can't be answered, since the response has started.
  private mutating func nextTunnelEvent(_ decoder: inout ChunkDecoder) throws(DemoError) -> ChunkEvent {
    do { return try nextChunkEvent(&decoder) } catch {
      if case .refused(_, let reason) = error { throw .broken(reason) }
      throw error
    }
  }

  /// Serves a WebSocket from its handshake to its end, which also ends the connection.
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
