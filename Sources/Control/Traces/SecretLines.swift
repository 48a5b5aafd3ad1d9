import Wire

/// Lines for the file that Wireshark reads (SSLKEYLOGFILE): a label, a connection's random value and a secret.
package enum SecretLines {
  /// The valid lines of a text. The worker, from which they come, must not be able to write anything else to the file.
  package static func valid(in text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 3, 1...64 ~= parts[0].utf8.count, 1...128 ~= parts[1].utf8.count,
        1...256 ~= parts[2].utf8.count, parts[0].utf8.allSatisfy(isLabelByte),
        parts[1...].allSatisfy({ $0.utf8.allSatisfy(isHexadecimal) })
      else { return nil }
      return String(line)
    }
  }

  private static func isLabelByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
    default: false
    }
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
  }
}
