import HTTP1
import Wire

/// Properties of any bytes that a server sends as a head.
package enum ResponseHeadProperties {
  /// The first byte selects the request that is answered.
  package static func check(_ input: [UInt8]) throws(Violation) {
    guard let choice = input.first else { return }
    let bytes = Array(input.dropFirst())
    let request = AnsweredRequest(
      isHead: choice & 1 != 0, version: choice & 2 != 0 ? .http10 : .http11, upgradeRequested: choice & 4 != 0)
    let limits = HeadProperties.limits
    try HeadProperties.checkCuts(bytes, length: { (head: ResponseHead) in head.length }) {
      ResponseHead.parse($0, to: request, limits: limits)
    }
    guard case .head(let head) = ResponseHead.parse(bytes.span, to: request, limits: limits) else { return }
    let reference = try checkReading(of: head, in: bytes, to: request)
    for connection in [Persistence.keepAlive, .close, .upgrade] {
      try checkRendering(of: head, reference, in: bytes, to: request, connection)
    }
  }

  private static func checkReading(
    of head: ResponseHead, in bytes: [UInt8], to request: AnsweredRequest
  ) throws(Violation) -> ReferenceHead {
    let reference = try require(ReferenceHead(bytes[...]), "accepted a malformed head")
    try require(reference.length == head.length, "length is \(head.length)")
    let framing = try require(HeadProperties.framing(of: reference), "accepted two readings of the framing")
    let hasNoBody = head.status < 200 || head.status == 204 || head.status == 304 || request.isHead
    try require(head.framing == (hasNoBody ? .none : framing ?? .untilClose), "framing is \(head.framing)")
    try require(request.version == .http11 || head.framing != .chunked, "chunks for HTTP/1.0")
    try require(!head.isUpgrade || request.upgradeRequested, "an upgrade that was not requested")
    let status = String(decoding: reference.firstLine.dropFirst(9).prefix(3), as: UTF8.self)
    try require(UInt16(status) == head.status, "status is \(head.status)")
    let options = reference.connectionOptions
    let persists = head.version == .http11 || options.contains("keep-alive")
    let expected = persists && !options.contains("close") && head.framing != .untilClose
    try require(head.keepAlive == expected, "persistence differs")
    return reference
  }

  private static func checkRendering(
    of head: ResponseHead, _ reference: ReferenceHead, in bytes: [UInt8], to request: AnsweredRequest,
    _ connection: Persistence
  ) throws(Violation) {
    let rendered = render(head, bytes, request, connection)
    guard case .head(let again) = ResponseHead.parse(rendered.span, to: request, limits: HeadLimits()) else {
      throw Violation("rendered a head that is refused")
    }
    try require(again.length == rendered.count, "rendered more than a head")
    try require(again.framing == head.framing && again.status == head.status, "rendered another framing or status")
    try require(again.version == .http11, "rendered another version than ours")
    try require(again.bindsAuthentication == head.bindsAuthentication, "rendered another challenge")
    if !head.isInterim, !head.isUpgrade, connection == .close || head.framing == .untilClose {
      try require(!again.keepAlive, "rendered a connection that persists")
    }
    try require(render(again, rendered, request, connection) == rendered, "rendering again changes something")

    let seen = try require(ReferenceHead(rendered[...]), "rendered a malformed head")
    let nominated = Set(reference.connectionOptions)
    let dropsLength = head.status < 200 || head.status == 204
    let kept = reference.fields.filter { field in
      !HeadProperties.hopByHop.contains(field.name) && !nominated.contains(field.name)
        && !(dropsLength && field.name == "content-length")
    }
    let copied = seen.fields.filter { !HeadProperties.hopByHop.contains($0.name) }
    try require(kept.map(\.name) == copied.map(\.name), "copied \(copied.map(\.name)) of \(kept.map(\.name))")
    for (before, after) in zip(kept, copied) where before.value != after.value {
      try require(before.name == "transfer-encoding" && after.text == "chunked", "\(before.name) changed")
    }
    try require(seen.all("keep-alive").isEmpty && seen.all("proxy-connection").isEmpty, "hop by hop went through")
  }

  private static func render(
    _ head: ResponseHead, _ bytes: [UInt8], _ request: AnsweredRequest, _ connection: Persistence
  ) -> [UInt8] {
    var sink = ByteWriter(limit: 65_536)
    head.render(from: bytes.span, connection: connection, clientVersion: request.version, into: &sink)
    return sink.bytes
  }
}
