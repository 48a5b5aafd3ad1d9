/// The progress of one direction in its buffer of received bytes: `0 ≤ sent ≤ approved ≤ buffer.count`.
///
/// Approved bytes have been parsed, are unambiguous, and may be forwarded unchanged. Sent bytes may stay at the start
/// of the buffer, so that a request can be sent again to another server.
public struct Cursor: BitwiseCopyable, Hashable, Sendable {
  public internal(set) var sent = 0
  public internal(set) var approved = 0

  /// Number of bytes that are approved and not sent.
  public var pending: Int { approved &- sent }

  mutating func approve(_ count: Int) { approved += count }

  /// Marks the oldest `count` pending bytes as sent.
  public mutating func send(_ count: Int) {
    precondition(count >= 0 && count <= pending)
    sent += count
  }

  /// Marks all bytes as unsent.
  mutating func rewind() { sent = 0 }

  /// Resets the cursor and returns the number of approved bytes, sent or not; the caller removes them from its buffer.
  mutating func dropAll() -> Int {
    defer { self = Cursor() }
    return approved
  }

  /// Returns the number of sent bytes and no longer counts them; the caller removes them from its buffer.
  public mutating func drop() -> Int {
    let dropped = sent
    approved -= dropped
    sent = 0
    return dropped
  }
}
