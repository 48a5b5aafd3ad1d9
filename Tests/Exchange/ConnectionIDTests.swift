import HTTP1
import Testing

@testable import Exchange

private let one = "<?xml version=\"1.0\"?><broker version=\"15.0\"><tunnel-connection><result>ok</result>"
private let rest = "<server1>https://view01.test:443</server1></tunnel-connection></broker>"

@Suite struct `Connection IDs issued by the broker's answer` {
  /// An answer, and its connection IDs.
  static let answers: [(String, [String])] = [
    (one + "<connection-id>3F2504E0_4F89-11D3</connection-id>" + rest, ["3F2504E0_4F89-11D3"]),
    ("<connection-id>\r\n\t 3F25\n </connection-id>", ["3F25"]),
    ("<connection-id\n type='a>b/' other=\"/>\" >3F25</connection-id\t>", ["3F25"]),
    ("<Connection-ID>3F25</Connection-ID>", ["3F25"]),
    ("<connection-id>3&#x46;&#50;5&amp;&lt;&gt;&quot;&apos;&#x2d;</connection-id>", ["3F25&<>\"'-"]),
    ("<connection-id>A</connection-id><x/><connection-id>B</connection-id>", ["A", "B"]),
    ("<<connection-id>A</connection-id>", ["A"]),
    ("<connection-<connection-id>A</connection-id>", ["A"]),
    ("<connection-id><connection-id>A</connection-id></connection-id>", ["A"]),
    ("<connection-id>A<connection-id>B</connection-id></connection-id>", ["B"]),
    ("<connection-id>\(String(repeating: "i", count: 128))</connection-id>", [String(repeating: "i", count: 128)]),
    ("<connection-id/>A</x><connection-id a='b' /> B</x>", []),
    ("<connection-id></connection-id><connection-id> </connection-id>", []),
    ("<connection-id>A B</connection-id><connection-id>A\u{e9}</connection-id>", []),
    ("<connection-id>\(String(repeating: "i", count: 129))</connection-id>", []),
    ("<connection-ids>A</connection-ids><connection-i>B</connection-i><connection\rid>C</connection\rid>", []),
    ("<connection-id>A&nbsp;</connection-id><connection-id>&#32;A</connection-id>", []),
    ("<connection-id>&;</connection-id><connection-id>&#x;</connection-id>", []),
    ("<connection-id>&#a;</connection-id><connection-id>&#x110046;</connection-id>", []),
    ("<connection-id>A&amp</connection-id><connection-id>&#99999999999999999999999;</connection-id>", []),
    ("<connection-id>A", []),
    ("<id>connection-id</id> connection-id>A</connection-id>", []),
  ]

  static func ids(_ pieces: [[UInt8]], _ framing: Framing) -> [String] {
    var scanner = ConnectionIDScanner(BodyTracker(framing))
    var ids: [String] = []
    for piece in pieces {
      scanner.take(piece.span) { id in ids.append(String(decoding: id.indices.map { id[$0] }, as: UTF8.self)) }
    }
    return ids
  }

  /// The content in chunks of this size.
  static func chunked(_ content: [UInt8], _ size: Int) -> [UInt8] {
    let chunks = stride(from: 0, to: content.count, by: size).flatMap { start in
      let chunk = content[start..<min(start + size, content.count)]
      return Array("\(String(chunk.count, radix: 16));a=\"<connection-id>\"\r\n".utf8) + chunk + [13, 10]
    }
    return chunks + Array("0\r\nX-Note: <connection-id>no</connection-id>\r\n\r\n".utf8)
  }

  @Test(arguments: answers)
  func `are found however the answer is split or chunked`(answer: String, expected: [String]) {
    let content = Array(answer.utf8)
    let whole = UInt64(content.count)
    for place in 0...content.count {
      let pieces = [Array(content[..<place]), Array(content[place...])]
      #expect(Self.ids(pieces, .length(whole)) == expected, "split at \(place)")
      #expect(Self.ids(pieces, .untilClose) == expected, "split at \(place)")
    }
    for size in [1, 7, 10_000] {
      let body = Self.chunked(content, size)
      #expect(Self.ids([body], .chunked) == expected)
      #expect(Self.ids(body.map { [$0] }, .chunked) == expected)
      for place in 0...body.count where size > 1 {
        #expect(Self.ids([Array(body[..<place]), Array(body[place...])], .chunked) == expected, "split at \(place)")
      }
    }
  }

  @Test func `are searched for in a bounded part of an answer, up to a bounded number`() {
    let id = Array("<connection-id>A</connection-id>".utf8)
    let blank = [UInt8](repeating: 0x20, count: 1 << 18)
    #expect(Self.ids([Array(blank.dropLast(40)), id], .untilClose) == ["A"])
    #expect(Self.ids([blank, id], .untilClose) == [])
    #expect(Self.ids([[UInt8](repeatElement(id, count: 20).joined())], .untilClose).count == 8)
    #expect(Self.ids(Array(repeating: id, count: 20), .untilClose).count == 8)
  }

  @Test func `are found up to the end of the body, or to its first error`() {
    let id = Array("<connection-id>A</connection-id>".utf8)
    #expect(Self.ids([id], .length(17)) == [])
    #expect(Self.ids([Array("1\r\n<X".utf8), id], .chunked) == [])
    #expect(Self.ids([id], .none) == [])
  }
}

@Suite struct `The connection ID of a tunnel request` {
  static func id(_ target: String) throws -> String? {
    let bytes = Array("POST \(target) HTTP/1.1\r\nHost: view.test\r\n\r\n".utf8)
    guard case .head(let head) = RequestHead.parse(bytes.span, limits: HeadLimits()) else {
      Issue.record("not read: \(target)")
      return nil
    }
    guard let id = ConnectionID(of: head, in: bytes.span) else { return nil }
    let octets = id.bytes
    return String(decoding: octets.indices.map { octets[$0] }, as: UTF8.self)
  }

  @Test(arguments: [
    ("/ice/tunnel?3F25", "3F25"), ("/ice/reconnect?3F25&s3cr=t", "3F25"), ("/ice/tunnel?3F25&", "3F25"),
    ("https://view.test/ice/tunnel?3F25", "3F25"), ("/ice/tunnel?3%462%35%2d%3D=", "3F25-=="),
    ("/ice/tunnel?3%4", "3%4"), ("/ice/tunnel?%zz", "%zz"), ("/ice/tunnel?a?b", "a?b"),
    ("/ice/tunnel", nil), ("/ice/tunnel?", nil), ("/ice/reconnect?&s3cret", nil), ("/ice/tunnel/?3F25", nil),
    ("/ice/tunnels?3F25", nil), ("/ICE/tunnel?3F25", nil), ("/x/ice/tunnel?3F25", nil), ("/?3F25", nil),
    ("/ice/tunnel?3F%20", nil), ("/ice/tunnel?3F%e9", nil),
  ])
  func `is the part of its query before the first ampersand`(target: String, expected: String?) throws {
    #expect(try Self.id(target) == expected)
  }

  @Test func `has a maximum length`() throws {
    let longest = String(repeating: "i", count: 128)
    #expect(try Self.id("/ice/tunnel?" + longest) == longest)
    #expect(try Self.id("/ice/tunnel?" + longest + "i") == nil)
  }

  @Test func `is not found in a request without a path`() {
    let bytes = Array("OPTIONS * HTTP/1.1\r\nHost: view.test\r\n\r\n".utf8)
    guard case .head(let head) = RequestHead.parse(bytes.span, limits: HeadLimits()) else {
      Issue.record("not read")
      return
    }
    let (id, isForBroker) = (ConnectionID(of: head, in: bytes.span), head.isFor("/broker/xml", in: bytes.span))
    #expect(id == nil)
    #expect(!isForBroker)
  }
}
