/// The first record of a connection, by its header: a client that sends its ClientHello bit by bit, or half of it, need not
/// cost more than its socket until there is something to answer.
public enum FirstRecord {
  /// Bytes in a record's header (RFC 8446 §5.1).
  public static let headerSize = 5

  /// Whether OpenSSL has something to go on with, or to refuse, when `waiting` bytes wait: the whole of a handshake record,
  /// or anything that does not begin one. `header` is its bytes as a big-endian number; nil: not all of them are here.
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
