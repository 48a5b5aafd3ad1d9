import HTTP1
import Wire

/// The bytes of a text with `\r\n` as written.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

func parseRequest(_ text: String, limits: HeadLimits = HeadLimits()) -> Parsed<RequestHead> {
  RequestHead.parse(bytes(text).span, limits: limits)
}

func parseResponse(
  _ text: String, to request: AnsweredRequest = AnsweredRequest(), limits: HeadLimits = HeadLimits()
) -> Parsed<ResponseHead> {
  ResponseHead.parse(bytes(text).span, to: request, limits: limits)
}

extension Parsed {
  /// The head, if there is one.
  var head: Head? {
    if case .head(let head) = self { head } else { nil }
  }

  var rejection: Rejection? {
    if case .rejected(let rejection) = self { rejection } else { nil }
  }

  var isIncomplete: Bool {
    if case .incomplete = self { true } else { false }
  }
}

/// A request of HTTP/1.1 with these field lines after `Host`.
func request(_ lines: String..., method: String = "POST", version: String = "HTTP/1.1") -> String {
  "\(method) / \(version)\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// An answer of HTTP/1.1 with these field lines.
func response(_ lines: String..., status: Int = 200, version: String = "HTTP/1.1") -> String {
  "\(version) \(status) Reason\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

let client = ForwardedFields(client: IPAddress(v4: 0xc000_0201), isSecure: true)

/// The request as the server receives it; nil if it is refused or incomplete.
func forwarded(
  _ text: String, forwarding: ForwardedFields = client, connection: Persistence = .keepAlive
) -> String? {
  let input = bytes(text)
  guard let head = RequestHead.parse(input.span, limits: HeadLimits()).head else { return nil }
  var sink = ByteWriter(limit: 65_536)
  head.render(from: input.span, forwarding: forwarding, connection: connection, into: &sink)
  return HTTP1Tests.text(sink.bytes)
}

/// The answer as the client receives it; nil if it is refused or incomplete.
func returned(
  _ text: String, to request: AnsweredRequest = AnsweredRequest(), connection: Persistence = .keepAlive
) -> String? {
  let input = bytes(text)
  guard let head = ResponseHead.parse(input.span, to: request, limits: HeadLimits()).head else { return nil }
  var sink = ByteWriter(limit: 65_536)
  head.render(from: input.span, connection: connection, clientVersion: request.version, into: &sink)
  return HTTP1Tests.text(sink.bytes)
}

/// The part of `bytes` that a head points to.
func text(_ bytes: [UInt8], _ range: ByteRange) -> String {
  String(decoding: bytes[range.start..<range.end], as: UTF8.self)
}

extension HeadScanner {
  /// `isWorthParsing` of a text, which `#expect` can call.
  mutating func wants(_ text: String, limits: HeadLimits = HeadLimits()) -> Bool {
    isWorthParsing(bytes(text).span, limits: limits)
  }
}

extension BodyTracker {
  /// `advance` over a text, which `#expect` can call.
  mutating func take(_ text: String) -> Progress { advance(over: bytes(text).span) }
}
