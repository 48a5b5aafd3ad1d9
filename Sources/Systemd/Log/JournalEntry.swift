import Linux
import Synchronization
import Wire

/// An entry in the journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram of fields.
/// sd_journal_sendv(3) does the same, but creates its socket on the first call, which a confined worker is not allowed
/// to do.
enum JournalEntry {
  static let path = "/run/systemd/journal/socket"

  private static let sender = Mutex(DatagramSender(path: path))

  /// Fields are `NAME=value` each. False when the journal is not available, or the entry is too large for a datagram
  /// (wmem_default, 208 KiB). Blocks while the journal is slow.
  static func send(_ fields: [String]) -> Bool {
    let bytes = encoded(fields)
    return sender.withLock { $0.send(bytes.span) }
  }

  /// A value of several lines follows its length, eight bytes in little-endian order.
  static func encoded(_ fields: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for field in fields {
      let text = Array(field.utf8)
      if let split = text.firstIndex(of: UInt8(ascii: "=")), text.contains(UInt8(ascii: "\n")) {
        let value = text[(split + 1)...]
        bytes += text[..<split]
        bytes.append(UInt8(ascii: "\n"))
        for shift in 0..<8 as Range<UInt64> { bytes.append(UInt8(truncatingIfNeeded: value.count >> (8 * shift))) }
        bytes += value
      } else {
        bytes += text
      }
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }
}
