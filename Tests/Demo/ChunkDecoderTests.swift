import Testing

@testable import Demo

@Suite struct ChunkDecoderTests {
  /// The contents of the chunks of `input`, given `step` bytes at a time, and the bytes after the body.
  static func chunks(of input: String, step: Int) throws -> (chunks: [String], rest: String)? {
    var decoder = ChunkDecoder()
    var pending: [UInt8] = []
    var chunks: [String] = []
    var chunk: [UInt8] = []
    let bytes = Array(input.utf8)
    var offset = 0
    while true {
      let (event, consumed) = try decoder.next(pending.span)
      switch event {
      case .needsMore:
        pending.removeFirst(consumed)
        guard offset < bytes.count else { return nil }
        pending += bytes[offset..<min(offset + step, bytes.count)]
        offset += step
        continue
      case .chunkBegins: chunk = []
      case .content: chunk += pending.prefix(consumed)
      case .chunkEnds: chunks.append(String(decoding: chunk, as: UTF8.self))
      case .bodyEnds:
        pending.removeFirst(consumed)
        return (chunks, String(decoding: pending, as: UTF8.self))
      }
      pending.removeFirst(consumed)
    }
  }

  @Test(
    arguments: [
      ("0\r\n\r\n", []),
      ("5\r\nHello\r\n0\r\n\r\n", ["Hello"]),
      ("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", ["a", "bc"]),
      ("00A;name=\"value\"\r\n0123456789\r\n000\r\n\r\n", ["0123456789"]),
      ("1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nDigest: x\r\nOther: y\r\n\r\n", ["abcdefghijklmnopqrstuvwxyz"]),
      ("2\r\n\r\n\r\n0\r\n\r\n", ["\r\n"]),
    ], [1, 2, 1000])
  func `chunks are separated however the bytes are split (RFC 9112 §7.1)`(_ example: (String, [String]), _ step: Int)
    throws
  {
    let result = try #require(try Self.chunks(of: example.0, step: step))
    #expect(result.chunks == example.1)
    #expect(result.rest == "")
  }

  @Test func `bytes after the body are not consumed`() throws {
    let result = try #require(try Self.chunks(of: "1\r\na\r\n0\r\n\r\nGET /", step: 1000))
    #expect(result.rest == "GET /")
  }

  @Test(
    arguments: [
      ("no size", "\r\n"), ("no digit", "g\r\n"), ("a minus", "-1\r\n"), ("a plus", "+1\r\n"),
      ("a space before", " 1\r\n"), ("a space behind", "1 \r\n"), ("0x", "0x1\r\n"), ("a bare LF", "1\n"),
      ("content too long", "1\r\nab\r\n"), ("content that ends with LF LF", "1\r\na\n\n"),
      ("sixteen digits", "1000000000000000\r\n"), ("NUL in an extension", "1;\u{0}\r\n"),
      ("a bare LF in a trailer", "0\r\nA: b\n\r\n"), ("a line without end", "1;" + String(repeating: "x", count: 5000)),
      ("too many trailers", "0\r\n" + String(repeating: "a: b\r\n", count: 65)),
    ].map(Malformed.init))
  func `an invalid chunk is refused (RFC 9112 §7.1)`(_ example: Malformed) {
    #expect(throws: MalformedChunk()) { try Self.chunks(of: example.input, step: 1000) }
  }

  struct Malformed: CustomTestStringConvertible {
    let testDescription: String
    let input: String
  }
}
