import Wire

/// A blocking bidirectional byte stream, as the example server uses it: TLS over a socket, or a script in a test.
package protocol ByteStream: ~Copyable {
  /// How long the peer may send or read nothing; nil: no limit.
  var timeout: Interval? { get set }

  /// Waits for bytes and appends them to `buffer`. False when the peer has closed its direction properly.
  mutating func receive(into buffer: inout [UInt8]) throws(DemoError) -> Bool

  /// Sends all of `bytes`; blocks while there is no room.
  mutating func send(_ bytes: Span<UInt8>) throws(DemoError)

  /// Waits for this interval.
  mutating func pause(_ interval: Interval) throws(DemoError)

  /// Closes our direction, and waits briefly for the peer to do so, so that it can read everything.
  mutating func finish() throws(DemoError)
}
