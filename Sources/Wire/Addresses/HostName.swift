/// Validation and comparison of host names.
public enum HostName {
  /// Labels of letters, digits, `-` and `_` (RFC 1123 §2.1 and the practice of Windows domains), 253 bytes in all. A
  /// name whose last label is a number is invalid: it is a misspelt IPv4 address.
  public static func isValid(_ name: String) -> Bool {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    guard name.utf8.count <= 253, let last = labels.last, UInt64(last) == nil else { return false }
    return labels.allSatisfy { label in
      (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
        && label.utf8.allSatisfy { isNameByte($0) }
    }
  }

  /// The parts of `host[:port]` in a Host field (RFC 9110 §7.2) or a URL: a name, with or without a final dot, or an
  /// address, returned without its brackets. Nil for anything else.
  public static func split(_ text: String, defaultPort: UInt16) -> (host: String, port: UInt16)? {
    if let endpoint = try? Endpoint(parsing: text, defaultPort: defaultPort) {
      return ("\(endpoint.address)", endpoint.port)
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts[0].hasSuffix(".") ? parts[0].dropLast() : parts[0]
    guard let port = parts.count == 1 ? defaultPort : UInt16(parts[1]), port > 0, isValid(String(name)) else {
      return nil
    }
    return (String(parts[0]), port)
  }

  /// Whether a configured host name is this machine's own: equal without regard to case, in full or by the first label:
  /// `lb1` is `lb1.domain.local`.
  public static func matches(_ written: String, _ own: String) -> Bool {
    let (written, own) = (written.lowercased(), own.lowercased())
    return written == own || written == own.prefix { $0 != "." } || own == written.prefix { $0 != "." }
  }

  /// Whether the byte is valid in a name: in a label, or `.` between two. One bit mask for bytes below 64, one for those
  /// up to 127.
  @inline(__always)
  public static func isNameByte(_ byte: UInt8) -> Bool {
    let half: UInt64 = byte & 0x40 == 0 ? 0x03ff_6000_0000_0000 : 0x07ff_fffe_87ff_fffe
    return byte < 0x80 && half &>> UInt64(byte) & 1 != 0
  }
}
