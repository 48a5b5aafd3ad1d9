/// The first record of a connection, checked by its header: a client that sends its ClientHello slowly or partially
/// costs only its socket until the record is complete.
public enum FirstRecord {
  /// The size of a record header (RFC 8446 §5.1).
  public static let headerSize = 5

  /// Whether OpenSSL can make progress with `waiting` unread bytes: a complete handshake record, or anything else,
  /// which it rejects. `header` is the header as a big-endian number; nil while it is incomplete.
  public static func isReady(header: UInt64?, waiting: Int) -> Bool {
    guard let header else { return false }
    let type = header >> 32
    let version = header >> 24 & 0xff
    let length = header & 0xffff
    guard type == handshake, version == 3, length <= largest else { return true }
    return waiting >= headerSize + Int(length)
  }

  private static let handshake: UInt64 = 22
  /// The largest plaintext (RFC 8446 §5.1).
  private static let largest: UInt64 = 1 << 14
}
