import Exchange
import HTTP1

/// Properties of any answer of a broker: the same connection IDs are found however it is split, and are such as a
/// request can present; their number is bounded; and an ID issued at the end of the answer is found.
///
/// The first byte selects the framing, the second the split.
package enum ConnectionIDProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    guard bytes.count >= 2 else { return }
    let framing = [Framing.chunked, .untilClose, .length(UInt64(bytes.count))][Int(bytes[0] % 3)]
    let body = Array(bytes.dropFirst(2))
    let whole = ids([body[...]], framing)
    try require(whole.count <= 8, "\(whole.count) ids")
    for id in whole {
      try require(1...128 ~= id.count && id.allSatisfy { 0x21...0x7e ~= $0 }, "a request can't show \(id)")
    }
    let size = 1 + Int(bytes[1])
    let pieces = stride(from: 0, to: body.count, by: size).map { body[$0..<min($0 + size, body.count)] }
    try require(ids(pieces, framing) == whole, "others in pieces of \(size)")
    try require(ids(body.indices.map { body[$0...$0] }, framing) == whole, "others octet by octet")

    let shown = Array(
      body.filter { 0x21...0x7e ~= $0 && $0 != UInt8(ascii: "&") && $0 != UInt8(ascii: "<") }.prefix(128))
    guard !shown.isEmpty else { return }
    let answer = Array("<connection-id>".utf8) + shown + Array("</connection-id>".utf8)
    try require(ids([answer[...]], .untilClose) == [shown], "not found")
  }

  private static func ids(_ pieces: [ArraySlice<UInt8>], _ framing: Framing) -> [[UInt8]] {
    var scanner = ConnectionIDScanner(BodyTracker(framing))
    var ids: [[UInt8]] = []
    for piece in pieces { scanner.take(piece.span) { id in ids.append(id.indices.map { id[$0] }) } }
    return ids
  }
}
