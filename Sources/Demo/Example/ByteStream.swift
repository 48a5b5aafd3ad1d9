import Wire

/// Bytes both ways with whoever is on the other end, one side at a time and waiting where it must: what the example
/// server needs of a connection, whether it is TLS over a socket or a script in a test.
package protocol ByteStream: ~Copyable {
  /// How long the peer may send or take nothing while it is waited for; nil: for ever.
  var timeout: Interval? { get set }

  /// Waits for bytes and appends them to `buffer`. False when the peer has ended its direction in order.
  mutating func receive(into buffer: inout [UInt8]) throws(DemoError) -> Bool

  /// Sends all of `bytes`, waiting for room where there is none.
  mutating func send(_ bytes: Span<UInt8>) throws(DemoError)

  /// Lets time pass.
  mutating func pause(_ interval: Interval) throws(DemoError)

  /// Says that nothing more will be sent, and waits a little for the peer to agree, so that it can read everything.
  mutating func finish() throws(DemoError)
}
