import Testing

@testable import Demo

@Suite struct WebSocketEchoTests {
  typealias Opcode = WebSocketFrameHeader.Opcode

  /// A client's frame, masked.
  static func frame(_ opcode: Opcode, _ payload: [UInt8], isFinal: Bool = true, key: UInt32 = 0x37FA_213D) -> [UInt8] {
    let header = WebSocketFrameHeader(
      opcode, isFinal: isFinal, maskingKey: key, payloadLength: UInt64(payload.count))
    var bytes: [UInt8] = []
    header.encode(into: &bytes)
    return bytes + payload.enumerated().map { header.masked($1, at: $0) }
  }

  /// A server's frame.
  static func answer(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    WebSocketFrameHeader(opcode, payloadLength: UInt64(payload.count)).encode(into: &bytes)
    return bytes + payload
  }

  struct Case: CustomTestStringConvertible {
    let testDescription: String
    let input: [UInt8]
    let output: [UInt8]
    let isEnded: Bool

    init(_ description: String, _ input: [UInt8], _ output: [UInt8], isEnded: Bool = false) {
      testDescription = description
      self.input = input
      self.output = output
      self.isEnded = isEnded
    }

    static func violation(_ description: String, _ input: [UInt8], _ status: WebSocketViolation) -> Case {
      let code = status.rawValue
      return Case(description, input, answer(.close, [UInt8(code >> 8), UInt8(code & 0xFF)]), isEnded: true)
    }
  }

  static let hello = Array("Hello".utf8)
  static let long = [UInt8](repeating: 7, count: 70_000)

  static let cases = [
    Case("a text message", frame(.text, hello), answer(.text, hello)),
    Case("an empty message", frame(.binary, []), answer(.binary, [])),
    Case("a message with a 16-bit length", frame(.binary, Array(long[..<300])), answer(.binary, Array(long[..<300]))),
    Case("a message with a 64-bit length", frame(.binary, long), answer(.binary, long)),
    Case(
      "two messages in one piece", frame(.text, hello) + frame(.binary, [1]),
      answer(.text, hello) + answer(.binary, [1])),
    Case(
      "fragments with a ping between them",
      frame(.text, Array("Hel".utf8), isFinal: false) + frame(.ping, [9], key: 0xFFFF_0000)
        + frame(.continuation, [], isFinal: false) + frame(.continuation, Array("lo".utf8)),
      answer(.pong, [9]) + answer(.text, hello)),
    Case("an unsolicited pong", frame(.pong, [1, 2]), []),
    Case(
      "a character split between fragments",
      frame(.text, [0xC3], isFinal: false) + frame(.continuation, [0xA4]), answer(.text, [0xC3, 0xA4])),
    Case("a close without a status", frame(.close, []), answer(.close, []), isEnded: true),
    Case("a close with a reason", frame(.close, [0x03, 0xE8] + hello), answer(.close, [0x03, 0xE8]), isEnded: true),
    Case("nothing after a close", frame(.close, []) + frame(.ping, []), answer(.close, []), isEnded: true),
    .violation("a frame without a mask", answer(.text, hello), .protocolError),
    .violation("a continuation of nothing", frame(.continuation, hello), .protocolError),
    .violation(
      "a message within a message", frame(.text, hello, isFinal: false) + frame(.text, hello), .protocolError),
    .violation("text that is not UTF-8", frame(.text, [0xFF]), .invalidPayload),
    .violation("a status of one byte", frame(.close, [3]), .protocolError),
    .violation("a status that never goes over the wire", frame(.close, [0x03, 0xEE]), .protocolError),
    .violation("a reason that is not UTF-8", frame(.close, [0x03, 0xE8, 0xFF]), .invalidPayload),
    .violation(
      "a message longer than the limit",
      [0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0, 0, 0], .messageTooBig),
    .violation(
      "fragments longer than the limit together",
      frame(.binary, [1], isFinal: false) + [0x80, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0], .messageTooBig),
  ]

  @Test(arguments: cases, [1, 3, 1 << 20])
  func `the answer does not depend on how the bytes are split`(_ example: Case, _ step: Int) {
    var echo = WebSocketEcho()
    for start in stride(from: 0, to: example.input.count, by: step) {
      echo.receive(Array(example.input[start..<min(start + step, example.input.count)]).span)
    }
    #expect(echo.takeOutput() == example.output)
    #expect(echo.takeOutput().isEmpty)
    #expect(echo.isEnded == example.isEnded)
  }
}
