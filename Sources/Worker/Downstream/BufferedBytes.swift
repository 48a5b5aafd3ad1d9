import Exchange
import HTTP1
import Linux
import Wire

// A span of a buffer borrows the value that contains the buffer. These functions take the buffer itself, so that other
// properties of its owner can be changed at the same time.

extension Exchange {
  mutating func readRequestHead(
    in buffer: inout Buffer, ended: Bool, policy: borrowing ExchangePolicy, at now: Instant
  ) -> RequestStep {
    let step = readRequestHead(buffer.bytes, ended: ended, policy: policy, at: now)
    guard let (offset, octet) = takeOverwrite() else { return step }
    buffer.overwrite(at: offset, with: octet)
    if case .refused(let rejection) = readRequestBody(in: &buffer, ended: false, at: now) { return .refused(rejection) }
    return step
  }

  mutating func readRequestBody(in buffer: inout Buffer, ended: Bool, at now: Instant) -> RequestStep {
    var step = readRequestBody(buffer.bytes, ended: ended, at: now)
    while let (offset, octet) = takeOverwrite() {
      buffer.overwrite(at: offset, with: octet)
      step = readRequestBody(buffer.bytes, ended: ended, at: now)
    }
    return step
  }

  @inline(__always)
  mutating func readResponse(
    in buffer: inout Buffer, end: StreamEnd?, policy: borrowing ExchangePolicy, at now: Instant,
    into output: inout Buffer
  ) -> ResponseStep {
    var step = readResponse(buffer.bytes, end: end, policy: policy, at: now, into: &output)
    while let (offset, octet) = takeOverwrite() {
      buffer.overwrite(at: offset, with: octet)
      step = readResponse(buffer.bytes, end: end, policy: policy, at: now, into: &output)
    }
    return step
  }
}

extension Stream {
  /// Sends the buffer's bytes from `start` to `end`, possibly only some of them.
  @inline(__always)
  mutating func write(_ buffer: borrowing Buffer, from start: Int, to end: Int) -> Outgoing {
    write(buffer.bytes.extracting(start..<end))
  }
}

extension Redirect {
  func render(_ head: RequestHead, from buffer: borrowing Buffer, into output: inout Buffer) {
    render(head, from: buffer.bytes, into: &output)
  }
}
