import Exchange
import HTTP1
import Linux
import Wire

// A span of a buffer borrows the value that contains the buffer. These functions take the buffer itself, so that other
// properties of its owner can be changed at the same time.

extension Exchange {
  mutating func readRequestHead(
    in buffer: inout Buffer, end: StreamEnd?, policy: borrowing ExchangePolicy, at now: Instant
  ) -> (step: RequestStep, effects: Effects) {
    let reading = readRequestHead(buffer.bytes, end: end, policy: policy, at: now)
    guard let (offset, octet) = takeOverwrite() else { return reading }
    buffer.overwrite(at: offset, with: octet)
    let rest = readRequestBody(in: &buffer, end: nil, at: now)
    return rest.effects.isEmpty ? reading : rest
  }

  mutating func hasBytes(in buffer: borrowing Buffer, at now: Instant) { hasBytes(buffer.bytes, at: now) }

  mutating func dropPathClaims(in buffer: borrowing Buffer) -> Rejection? { dropPathClaims(of: buffer.bytes) }

  mutating func readRequestBody(
    in buffer: inout Buffer, end: StreamEnd?, at now: Instant
  ) -> (step: RequestStep, effects: Effects) {
    var reading = readRequestBody(buffer.bytes, end: end, at: now)
    while let (offset, octet) = takeOverwrite() {
      buffer.overwrite(at: offset, with: octet)
      reading = readRequestBody(buffer.bytes, end: end, at: now)
    }
    return reading
  }

  @inline(always)
  mutating func readResponse(
    in buffer: inout Buffer, end: StreamEnd?, policy: borrowing ExchangePolicy, edits: HeaderEdits?, at now: Instant,
    into output: inout Buffer
  ) -> (step: ResponseStep, effects: Effects) {
    var reading = readResponse(buffer.bytes, end: end, policy: policy, edits: edits, at: now, into: &output)
    while let (offset, octet) = takeOverwrite() {
      buffer.overwrite(at: offset, with: octet)
      reading = readResponse(buffer.bytes, end: end, policy: policy, edits: edits, at: now, into: &output)
    }
    return reading
  }
}

extension Stream {
  /// Sends the buffer's bytes from `start` to `end`, possibly only some of them.
  @inline(always)
  mutating func write(_ buffer: borrowing Buffer, from start: Int, to end: Int) -> Outgoing {
    write(buffer.bytes.extracting(start..<end))
  }
}

extension Redirect {
  func render(_ head: RequestHead, from buffer: borrowing Buffer, fields: [UInt8], into output: inout Buffer) {
    render(head, from: buffer.bytes, fields: fields, into: &output)
  }
}
