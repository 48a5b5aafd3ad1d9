/// The header of a WebSocket frame (RFC 6455 §5.2): everything before the payload.
///
/// ```
///  0               1               2               3
/// |F|R|R|R| opcode|M| length (7)   | length (16 or 64 bits, when the 7 bits are 126 or 127) …
/// |I|S|S|S|  (4)  |A|              |
/// |N|V|V|V|       |S|              | masking key (32 bits, when MASK is set) …
/// ```
package struct WebSocketFrameHeader: Equatable, Sendable {
  /// The type of a frame (RFC 6455 §11.8).
  package enum Opcode: UInt8, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    /// Control frames may be sent between the fragments of a message (RFC 6455 §5.5).
    package var isControl: Bool { rawValue & 0x8 != 0 }
  }

  /// The longest payload of a control frame, in bytes (RFC 6455 §5.5).
  package static let longestControlPayload: UInt64 = 125

  /// True on the last or only fragment of a message.
  package var isFinal: Bool
  package var opcode: Opcode
  /// The masking key, its first byte highest; nil when the payload is not masked.
  package var maskingKey: UInt32?
  /// The length of the payload after the header.
  package var payloadLength: UInt64

  package init(_ opcode: Opcode, isFinal: Bool = true, maskingKey: UInt32? = nil, payloadLength: UInt64) {
    self.opcode = opcode
    self.isFinal = isFinal
    self.maskingKey = maskingKey
    self.payloadLength = payloadLength
  }

  /// Parses the header at the start of `bytes`: returns the header and its length in bytes, or nil while it is
  /// incomplete.
  ///
  /// Rejected with `.protocolError`: reserved bits and opcodes (no extension is negotiated), a length that is not
  /// minimally encoded or has the highest bit set, and control frames that are too long or fragmented.
  package static func decode(_ bytes: Span<UInt8>) throws(WebSocketViolation) -> (header: Self, length: Int)? {
    guard bytes.count >= 2 else { return nil }
    guard bytes[0] & 0x70 == 0, let opcode = Opcode(rawValue: bytes[0] & 0x0F) else { throw .protocolError }
    let extended =
      switch bytes[1] & 0x7F {
      case 126: 2
      case 127: 8
      default: 0
      }
    let isMasked = bytes[1] & 0x80 != 0
    let length = 2 + extended + (isMasked ? 4 : 0)
    guard bytes.count >= length else { return nil }

    var payloadLength = UInt64(bytes[1] & 0x7F)
    if extended > 0 {
      payloadLength = bigEndian(bytes, at: 2, count: extended)
      let shortest: UInt64 = extended == 2 ? 126 : 65_536
      guard payloadLength >= shortest, payloadLength >> 63 == 0 else { throw .protocolError }
    }
    let isFinal = bytes[0] & 0x80 != 0
    if opcode.isControl {
      guard isFinal, payloadLength <= longestControlPayload else { throw .protocolError }
    }
    let key = isMasked ? UInt32(truncatingIfNeeded: bigEndian(bytes, at: 2 + extended, count: 4)) : nil
    return (Self(opcode, isFinal: isFinal, maskingKey: key, payloadLength: payloadLength), length)
  }

  /// Appends the header to `output`, with a minimal length encoding.
  package func encode(into output: inout [UInt8]) {
    output.append((isFinal ? 0x80 : 0) | opcode.rawValue)
    let mask: UInt8 = maskingKey == nil ? 0 : 0x80
    switch payloadLength {
    case ..<126:
      output.append(mask | UInt8(payloadLength))
    case ..<65_536:
      output.append(mask | 126)
      Self.appendBigEndian(payloadLength, count: 2, to: &output)
    default:
      output.append(mask | 127)
      Self.appendBigEndian(payloadLength, count: 8, to: &output)
    }
    if let maskingKey { Self.appendBigEndian(UInt64(maskingKey), count: 4, to: &output) }
  }

  /// The byte at `offset` of the payload, masked or unmasked: the operation is its own inverse (RFC 6455 §5.3).
  package func masked(_ byte: UInt8, at offset: Int) -> UInt8 {
    guard let maskingKey else { return byte }
    return byte ^ UInt8(truncatingIfNeeded: maskingKey >> UInt32(24 - 8 * (offset & 3)))
  }

  private static func bigEndian(_ bytes: Span<UInt8>, at start: Int, count: Int) -> UInt64 {
    var value: UInt64 = 0
    for index in start..<start + count { value = value << 8 | UInt64(bytes[index]) }
    return value
  }

  private static func appendBigEndian(_ value: UInt64, count: Int, to output: inout [UInt8]) {
    for index in (0..<count).reversed() { output.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }
}

/// A protocol violation by the peer, with the status code of the Close frame (RFC 6455 §7.4.1).
package enum WebSocketViolation: UInt16, Error {
  /// A frame that RFC 6455 forbids.
  case protocolError = 1002
  /// A text message or close reason that is not UTF-8.
  case invalidPayload = 1007
  /// A message that exceeds the limit.
  case messageTooBig = 1009
}
