import Testing

@testable import Demo

@Suite struct WebSocketFrameTests {
  struct Case: CustomTestStringConvertible {
    let bytes: [UInt8]
    let header: WebSocketFrameHeader
    var testDescription: String { "\(bytes.map { String($0, radix: 16) }.joined(separator: " "))" }

    init(_ bytes: [UInt8], _ header: WebSocketFrameHeader) {
      self.bytes = bytes
      self.header = header
    }
  }

  static let cases = [
    Case([0x81, 0x05], .init(.text, payloadLength: 5)),
    Case([0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D], .init(.text, maskingKey: 0x37FA_213D, payloadLength: 5)),
    Case([0x01, 0x03], .init(.text, isFinal: false, payloadLength: 3)),
    Case([0x80, 0x02], .init(.continuation, payloadLength: 2)),
    Case([0x82, 0x7D], .init(.binary, payloadLength: 125)),
    Case([0x82, 0x7E, 0x00, 0x7E], .init(.binary, payloadLength: 126)),
    Case([0x82, 0x7E, 0x01, 0x00], .init(.binary, payloadLength: 256)),
    Case([0x82, 0x7E, 0xFF, 0xFF], .init(.binary, payloadLength: 65_535)),
    Case([0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0], .init(.binary, payloadLength: 65_536)),
    Case([0x82, 0x7F, 0x7F, 255, 255, 255, 255, 255, 255, 255], .init(.binary, payloadLength: UInt64(Int64.max))),
    Case([0x88, 0x02], .init(.close, payloadLength: 2)),
    Case([0x89, 0x00], .init(.ping, payloadLength: 0)),
    Case([0x8A, 0x7D], .init(.pong, payloadLength: 125)),
  ]

  @Test(arguments: cases)
  func `a header is decoded as it was encoded, and not before it is complete (RFC 6455 §5.2)`(_ example: Case) throws {
    var written: [UInt8] = []
    example.header.encode(into: &written)
    #expect(written == example.bytes)

    let read = try #require(try WebSocketFrameHeader.decode(example.bytes.span))
    #expect(read.header == example.header)
    #expect(read.length == example.bytes.count)
    for count in 0..<example.bytes.count {
      #expect(try WebSocketFrameHeader.decode(Array(example.bytes.prefix(count)).span) == nil)
    }
  }

  @Test(
    arguments: [
      ([0xC1, 0x00], "RSV1"), ([0xA1, 0x00], "RSV2"), ([0x91, 0x00], "RSV3"),
      ([0x83, 0x00], "opcode 3"), ([0x8B, 0x00], "opcode 11"), ([0x8F, 0x00], "opcode 15"),
      ([0x82, 0x7E, 0x00, 0x7D], "125 in 16 bits"), ([0x82, 0x7F, 0, 0, 0, 0, 0, 0, 255, 255], "65535 in 64 bits"),
      ([0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], "the highest bit of a 64-bit length"),
      ([0x09, 0x00], "a fragmented ping"), ([0x89, 0x7E, 0x00, 0x7E], "a ping of 126 bytes"),
    ] as [([UInt8], String)])
  func `a header that RFC 6455 does not allow is refused`(_ bytes: [UInt8], _ what: String) {
    #expect(throws: WebSocketViolation.protocolError) { try WebSocketFrameHeader.decode(bytes.span) }
  }
}
