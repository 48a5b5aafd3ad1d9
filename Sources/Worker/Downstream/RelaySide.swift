import Linux

/// One side of a relay: a connection to a client or a server, with its buffers.
struct RelaySide: ~Copyable {
  var stream: Stream
  /// Bytes received and not consumed.
  var input = Buffer()
  /// Rewritten heads and error pages, and body bytes sent together with them.
  var output = Buffer()

  init(_ descriptor: consuming Descriptor) { stream = Stream(plain: descriptor) }

  /// Appends received bytes to `input`, which holds no storage while it is empty.
  @inline(always)
  mutating func receive(_ buffers: inout BufferPool) -> Stream.Incoming {
    buffers.lease(&input)
    if input.room == 0 { input.compact() }
    // Only a head can fill it: body bytes are sent before more is read.
    if input.room == 0 { buffers.enlarge(&input) }
    let incoming = stream.read(into: &input)
    if input.isEmpty { buffers.giveBack(&input) }
    return incoming
  }

  /// Sends the oldest bytes of `output`, possibly only some, and removes them.
  @inline(always)
  mutating func flush() -> Stream.Outgoing {
    let outgoing = stream.write(output, from: 0, to: output.count)
    if case .bytes(let count) = outgoing { output.consume(count) }
    return outgoing
  }

  mutating func giveBackBuffers(to buffers: inout BufferPool) {
    buffers.giveBack(&input)
    buffers.giveBack(&output)
  }
}
