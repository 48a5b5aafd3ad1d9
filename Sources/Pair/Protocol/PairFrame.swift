import Wire

/// The messages' frames in the byte stream between two nodes: the length of the payload in 32 bits, the kind of the
/// message in 8 bits, the payload. Numbers are big-endian.
package enum PairFrame {
  /// Maximum size of a payload. Messages of this release have at most half of it.
  package static let payloadLimit = 65_536
  static let headBytes = 5

  static func encoded(_ kind: UInt8, _ payload: [UInt8]) -> [UInt8] {
    var head = ByteWriter(limit: headBytes)
    head.append(bigEndian: UInt32(payload.count))
    head.append(kind)
    return head.bytes + payload
  }
}

/// Splits what was received into frames.
///
/// Invariant: between two calls of `next` that return nil, fewer bytes are kept than one frame has.
struct PairFrameReader: Sendable {
  private var bytes: [UInt8] = []
  private var start = 0

  mutating func append(_ received: [UInt8]) {
    bytes.removeFirst(start)
    start = 0
    bytes += received
  }

  /// The next frame; nil until all of it was received.
  mutating func next() throws(PairError) -> (kind: UInt8, payload: [UInt8])? {
    guard bytes.count - start >= PairFrame.headBytes else { return nil }
    let count = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    guard count <= PairFrame.payloadLimit else { throw .tooLong(count) }
    let end = start + PairFrame.headBytes + count
    guard bytes.count >= end else { return nil }
    defer { start = end }
    return (bytes[start + 4], Array(bytes[start + PairFrame.headBytes..<end]))
  }
}
