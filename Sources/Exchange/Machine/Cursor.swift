/// How far one direction has come in its buffer of received bytes: `0 ≤ sent ≤ approved ≤ buffer.count`.
///
/// What is approved has been read, has one meaning, and may go out as it came. What is sent may stay in front of the
/// buffer, so that a request can be sent once more to another server.
public struct Cursor: BitwiseCopyable, Hashable, Sendable {
  public internal(set) var sent = 0
  public internal(set) var approved = 0

  /// Bytes that wait to be sent.
  public var pending: Int { approved &- sent }

  mutating func approve(_ count: Int) { approved += count }

  /// Notes that the oldest `count` pending bytes went out.
  public mutating func send(_ count: Int) {
    precondition(count >= 0 && count <= pending)
    sent += count
  }

  /// Everything is to be sent once more.
  mutating func rewind() { sent = 0 }

  /// Forgets everything approved, sent or not; the caller consumes as many from its buffer.
  mutating func dropAll() -> Int {
    defer { self = Cursor() }
    return approved
  }

  /// Forgets the bytes that were sent; the caller consumes as many from its buffer.
  public mutating func drop() -> Int {
    let dropped = sent
    approved -= dropped
    sent = 0
    return dropped
  }
}
