/// Bytes both ways with whoever is on the other end, one side at a time and waiting where it must: what the example
/// server needs of a connection, whether it is TLS over a socket or a script in a test.
package protocol ByteStream: ~Copyable {
  /// Waits for bytes and appends them to `buffer`. False when the peer has ended its direction in order.
  mutating func receive(into buffer: inout [UInt8]) throws(StreamError) -> Bool

  /// Sends all of `bytes`, waiting for room where there is none.
  mutating func send(_ bytes: Span<UInt8>) throws(StreamError)

  /// Lets time pass.
  mutating func pause(milliseconds: UInt32) throws(StreamError)

  /// Says that nothing more will be sent.
  mutating func finish() throws(StreamError)
}

/// Why a stream of bytes can't go on.
package enum StreamError: Error, Equatable {
  /// The peer, or the way to it, failed; in words.
  case broken(String)
  /// The peer said and took nothing for as long as it may.
  case silent
  /// The server was told to stop.
  case stopped
}
