import HTTP1
import Wire

/// Properties of any bytes that a client sends as a head.
package enum RequestHeadProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let limits = HeadProperties.limits
    try HeadProperties.checkCuts(bytes, length: { (head: RequestHead) in head.length }) {
      RequestHead.parse($0, limits: limits)
    }
    guard case .head(let head) = RequestHead.parse(bytes.span, limits: limits) else { return }
    let reference = try checkReading(of: head, in: bytes)
    for connection in [Persistence.keepAlive, .close, .upgrade] {
      try checkRendering(of: head, reference, in: bytes, connection)
    }
    try checkTrustedRendering(of: head, in: bytes)
    try checkClient(of: head, reference, in: bytes)
    checkRedirect(of: head, in: bytes)
  }

  /// The parsed request agrees with the reference parser.
  private static func checkReading(of head: RequestHead, in bytes: [UInt8]) throws(Violation) -> ReferenceHead {
    let start = bytes.starts(with: [13, 10]) ? 2 : 0
    let reference = try require(ReferenceHead(bytes[start...]), "accepted a malformed head")
    try require(reference.length + start == head.length, "length is \(head.length)")
    let hosts = reference.all("host")
    try require(hosts.count == 1 || hosts.isEmpty && head.version == .http10, "\(hosts.count) hosts")
    try require(Array(bytes[head.host.start..<head.host.end]) == hosts.first?.value ?? [], "host differs")
    let framing = try require(HeadProperties.framing(of: reference), "accepted two readings of the framing")
    try require(head.framing == framing ?? .none, "framing is \(head.framing)")
    try require(head.framing != .untilClose, "a request until close")
    let parts = reference.firstLine.split(separator: 32, omittingEmptySubsequences: false)
    try require(parts.count == 3, "a request line of \(parts.count) parts")
    try require(Array(bytes[head.target.start..<head.target.end]) == Array(parts[1]), "target differs")
    let version = String(decoding: parts[2], as: UTF8.self)
    try require(version == (head.version == .http11 ? "HTTP/1.1" : "HTTP/1.0"), "version is \(version)")
    let options = reference.connectionOptions
    let persists = head.version == .http11 || options.contains("keep-alive")
    try require(head.keepAlive == (persists && !options.contains("close")), "persistence differs")
    return reference
  }

  private static let clientText = "192.0.2.1"
  private static let removed = HeadProperties.hopByHop.union([
    "te", "proxy-authorization", "forwarded", "x-real-ip", "expect", "x-forwarded-for", "x-forwarded-proto",
    "x-forwarded-host", "proxy",
  ])

  /// The forwarded head is the received one without the dropped and with the added fields; it parses alike, and
  /// forwarding it again changes nothing.
  private static func checkRendering(
    of head: RequestHead, _ reference: ReferenceHead, in bytes: [UInt8], _ connection: Persistence
  ) throws(Violation) {
    let rendered = render(head, bytes, trusted: false, connection)
    guard case .head(let again) = RequestHead.parse(rendered.span, limits: HeadLimits()) else {
      throw Violation("rendered a head that is refused")
    }
    try require(again.length == rendered.count, "rendered more than a head")
    try require(again.framing == head.framing && again.method == head.method, "rendered another framing or method")
    try require(again.version == head.version && again.targetForm != .absolute, "rendered another version or form")
    try require(again.expectsContinue == head.expectsContinue, "rendered another expectation")
    try require(again.bindsAuthentication == head.bindsAuthentication, "rendered other credentials")
    let upgrades = connection == .upgrade && head.upgradeRequested
    try require(again.upgradeRequested == upgrades, "rendered another upgrade")
    try require(render(again, rendered, trusted: false, connection) == rendered, "rendering again changes something")

    let seen = try require(ReferenceHead(rendered[...]), "rendered a malformed head")
    let nominated = Set(reference.connectionOptions)
    let kept = reference.fields.filter { !isRemoved($0.name) && !nominated.contains($0.name) }
    let copied = seen.fields.filter { !isRemoved($0.name) }
    try require(kept.map(\.name) == copied.map(\.name), "copied \(copied.map(\.name)) of \(kept.map(\.name))")
    for (before, after) in zip(kept, copied) where before.value != after.value {
      try require(before.name == "transfer-encoding" && after.text == "chunked", "\(before.name) changed")
    }
    try require(seen.all("x-forwarded-for").map(\.text) == [clientText], "X-Forwarded-For differs")
    try require(seen.all("x-forwarded-proto").map(\.text) == ["https"], "X-Forwarded-Proto differs")
    try require(
      seen.all("x-forwarded-host").map(\.value) == reference.all("host").map(\.value).filter { !$0.isEmpty },
      "X-Forwarded-Host differs")
    try require(seen.all("upgrade").count == (upgrades ? 1 : 0), "Upgrade differs")
    for name in ["keep-alive", "proxy-connection", "te", "proxy-authorization", "forwarded", "x-real-ip", "proxy"] {
      try require(seen.all(name).isEmpty, "\(name) went through")
    }
  }

  private static func isRemoved(_ name: String) -> Bool {
    removed.contains(name) || name.hasPrefix("x-forwarded-") || isClaim(name)
  }

  /// Whether it is a proxy's field, by its name as CGI reads it.
  private static func isClaim(_ name: String) -> Bool {
    let plain = String(name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    let names = ForwardingFieldNames.nameTexts + ForwardingFieldNames.certificateNameTexts
    let prefixes = ForwardingFieldNames.prefixTexts + ForwardingFieldNames.certificatePrefixTexts
    return plain == "proxy" || names.contains(plain) || prefixes.contains { plain.hasPrefix($0) }
  }

  /// A trusted proxy's fields do not change how the message is parsed.
  private static func checkTrustedRendering(of head: RequestHead, in bytes: [UInt8]) throws(Violation) {
    let rendered = render(head, bytes, trusted: true, .keepAlive)
    let again: RequestHead
    switch RequestHead.parse(rendered.span, limits: HeadLimits()) {
    case .head(let head): again = head
    // The limit counts the lines that we rewrite, and we have added some; for the server they are ordinary lines.
    case .rejected(.tooManyRewrittenLines): return
    case .incomplete, .rejected: throw Violation("rendered a trusted head that is refused")
    }
    try require(again.length == rendered.count && again.framing == head.framing, "rendered another trusted head")
    let seen = try require(ReferenceHead(rendered[...]), "rendered a malformed trusted head")
    let last = seen.all("x-forwarded-for").last?.elements.last
    try require(last == clientText, "the trusted proxy is not the last of X-Forwarded-For")
  }

  /// The client of a proxy's request: from the right, the first address that is not a proxy's.
  private static func checkClient(
    of head: RequestHead, _ reference: ReferenceHead, in bytes: [UInt8]
  ) throws(Violation) {
    let lines = reference.all("x-forwarded-for")
    let elementCount = lines.reduce(0) { $0 + $1.value.count { $0 == UInt8(ascii: ",") } + 1 }
    guard elementCount <= RequestHead.forwardingHops else { return }
    let proxies = (0..<4).compactMap { IPPrefix(containing: IPAddress(v4: UInt32($0) << 30), length: 2) }
    for trusted in [[], proxies] {
      var client: Endpoint?
      for element in lines.flatMap(\.elements).reversed() where !element.isEmpty {
        guard let hop = try? Endpoint(parsing: element, defaultPort: 0) else { break }
        client = hop
        guard hop.address.family == .v4, !trusted.isEmpty else { break }
      }
      try require(head.forwardedClient(in: bytes.span, by: trusted) == client, "the client is not \(client as Any)")
    }
  }

  /// A redirect's location is one line, and leads to the service.
  private static func checkRedirect(of head: RequestHead, in bytes: [UInt8]) {
    var sink = ByteWriter(limit: 65_536)
    let services = [Array("view.domain.local".utf8)]
    Redirect(to: .https(port: 443, services: services)).render(head, from: bytes.span, into: &sink)
    let answer = ResponseHead.parse(sink.bytes.span, to: AnsweredRequest(), limits: HeadLimits())
    let location = ReferenceHead(sink.bytes[...])?.all("location").first?.text
    guard case .head = answer, location?.hasPrefix("https://view.domain.local/") == true else {
      preconditionFailure("a redirect to \(location ?? "nowhere")")
    }
  }

  private static func render(
    _ head: RequestHead, _ bytes: [UInt8], trusted: Bool, _ connection: Persistence
  ) -> [UInt8] {
    var sink = ByteWriter(limit: 65_536)
    let client = ForwardedFields(client: IPAddress(v4: 0xc000_0201), isSecure: true, isPeerTrusted: trusted)
    head.render(from: bytes.span, forwarding: client, connection: connection, into: &sink)
    return sink.bytes
  }
}
