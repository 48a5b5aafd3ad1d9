/// The server side of a WebSocket that echoes every message (RFC 6455), as a pure state machine.
///
/// A message is echoed in a single frame of the same type, however it was fragmented. `message.count ≤ messageLimit`,
/// and at most 13 bytes of an incomplete frame header are buffered.
package struct WebSocketEcho: ~Copyable {
  /// The longest message in bytes: enough for all tests, and small enough for two hundred connections.
  package static let messageLimit = 1 << 20

  /// True once a Close frame was written: send the output, then close the connection. Further input is ignored.
  package private(set) var isEnded = false

  private var output: [UInt8] = []
  /// The bytes of an incomplete header.
  private var headerBytes: [UInt8] = []
  /// The frame whose payload is being read, and the number of bytes received.
  private var frame: (header: WebSocketFrameHeader, received: UInt64)?
  /// The type of the message that is being reassembled.
  private var messageType: WebSocketFrameHeader.Opcode?
  private var message: [UInt8] = []
  private var control: [UInt8] = []

  /// Processes the next bytes from the peer, in pieces of any size. A violation is answered with a Close frame.
  package mutating func receive(_ bytes: Span<UInt8>) {
    do {
      var offset = 0
      while offset < bytes.count, !isEnded {
        offset += frame == nil ? try receiveHeader(bytes, from: offset) : try receivePayload(bytes, from: offset)
      }
    } catch {
      send(.close, Self.statusBytes(error.rawValue))
      isEnded = true
    }
  }

  /// Returns and clears the output.
  package mutating func takeOutput() -> [UInt8] {
    var taken: [UInt8] = []
    swap(&taken, &output)
    return taken
  }

  /// Processes one byte of a header; a frame without payload is complete with its header.
  private mutating func receiveHeader(_ bytes: Span<UInt8>, from offset: Int) throws(WebSocketViolation) -> Int {
    headerBytes.append(bytes[offset])
    if let (header, _) = try WebSocketFrameHeader.decode(headerBytes.span) {
      headerBytes.removeAll(keepingCapacity: true)
      try begin(header)
    }
    return 1
  }

  private mutating func begin(_ header: WebSocketFrameHeader) throws(WebSocketViolation) {
    // RFC 6455 §5.1: a server closes the connection upon a frame that is not masked.
    guard header.maskingKey != nil else { throw .protocolError }
    if !header.opcode.isControl {
      // RFC 6455 §5.4: a continuation needs a started message, and a message can't start within another.
      guard (header.opcode == .continuation) == (messageType != nil) else { throw .protocolError }
      guard header.payloadLength <= UInt64(Self.messageLimit - message.count) else { throw .messageTooBig }
      if header.opcode != .continuation { messageType = header.opcode }
    }
    frame = (header, 0)
    if header.payloadLength == 0 { try end(header) }
  }

  /// Processes the part of the frame's payload in `bytes`, and returns its size.
  private mutating func receivePayload(_ bytes: Span<UInt8>, from offset: Int) throws(WebSocketViolation) -> Int {
    guard let (header, received) = frame else { return 0 }
    let count = Int(min(UInt64(bytes.count - offset), header.payloadLength - received))
    for index in 0..<count {
      // The key repeats every four bytes, so the low bits of the offset are sufficient.
      let byte = header.masked(bytes[offset + index], at: Int(received & 3) + index)
      if header.opcode.isControl { control.append(byte) } else { message.append(byte) }
    }
    frame = (header, received + UInt64(count))
    if received + UInt64(count) == header.payloadLength { try end(header) }
    return count
  }

  /// Handles a complete frame.
  private mutating func end(_ header: WebSocketFrameHeader) throws(WebSocketViolation) {
    frame = nil
    switch header.opcode {
    case .ping: send(.pong, control)
    case .pong: break
    case .close: try answerClose()
    case .continuation, .text, .binary: try endFragment(isFinal: header.isFinal)
    }
    if header.opcode.isControl { control.removeAll(keepingCapacity: true) }
  }

  private mutating func endFragment(isFinal: Bool) throws(WebSocketViolation) {
    guard isFinal, let type = messageType else { return }
    if type == .text, !Self.isUTF8(message[...]) { throw .invalidPayload }
    send(type, message)
    messageType = nil
    message = []
  }

  /// RFC 6455 §5.5.1: a Close frame is answered with the same status code.
  private mutating func answerClose() throws(WebSocketViolation) {
    if control.isEmpty {
      send(.close, [])
    } else {
      guard control.count >= 2 else { throw .protocolError }
      let status = UInt16(control[0]) << 8 | UInt16(control[1])
      guard Self.mayBeSent(status) else { throw .protocolError }
      guard Self.isUTF8(control[2...]) else { throw .invalidPayload }
      send(.close, Self.statusBytes(status))
    }
    isEnded = true
  }

  private mutating func send(_ opcode: WebSocketFrameHeader.Opcode, _ payload: [UInt8]) {
    WebSocketFrameHeader(opcode, payloadLength: UInt64(payload.count)).encode(into: &output)
    output += payload
  }

  private static func statusBytes(_ status: UInt16) -> [UInt8] { [UInt8(status >> 8), UInt8(status & 0xFF)] }

  private static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

  /// RFC 6455 §7.4: 1004, 1005, 1006 and 1015 are never sent; 3000 to 4999 are for applications.
  private static func mayBeSent(_ status: UInt16) -> Bool {
    switch status {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
