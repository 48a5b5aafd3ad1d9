import Wire

/// Properties of the first bytes of any connection: the number of received bytes decides when they are parsed, not how;
/// and a line of version 1 agrees with a reference parser.
package enum ProxyHeaderProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let whole = ProxyHeader.parse(bytes.span)
    if case .header(let header) = whole {
      try require(
        header.length <= min(bytes.count, ProxyHeader.maximumBytes), "\(header.length) bytes of \(bytes.count)")
      try checkLine(header, bytes)
      try checkWriting(header)
    }
    if whole == .incomplete {
      try require(bytes.count < ProxyHeader.maximumBytes, "\(bytes.count) bytes are not enough")
    }
    var isMalformed = false
    for count in 0..<bytes.count {
      let reading = ProxyHeader.parse(bytes.span.extracting(0..<count))
      switch reading {
      case .incomplete: try require(!isMalformed, "\(count) bytes could become what \(count - 1) could not")
      case .malformed: isMalformed = true
      case .header(let header): try require(reading == whole && header.length <= count, "\(count) bytes read otherwise")
      }
      if case .header(let header) = whole {
        try require(count >= header.length || reading == .incomplete, "read early")
      }
    }
    if isMalformed { try require(whole == .malformed, "malformed at first") }
  }

  /// The header written for this source decodes to it, whatever the family of the destination.
  private static func checkWriting(_ header: ProxyHeader) throws(Violation) {
    guard let source = header.source else { return }
    for address in [IPAddress(v4: 0x7f00_0001), IPAddress(v6High: 1, low: 2)] {
      let written = ProxyHeader.bytes(from: source, to: Endpoint(address: address, port: 443))
      guard case .header(let read) = ProxyHeader.parse(written.span) else { throw Violation("not read: \(written)") }
      try require(read.source == source && read.length == written.count, "\(source) is read as \(read)")
    }
  }

  private static func checkLine(_ header: ProxyHeader, _ bytes: [UInt8]) throws(Violation) {
    guard bytes[0] == UInt8(ascii: "P") else { return }
    let octets = bytes[..<(header.length - 2)]
    let line = String(decoding: octets, as: UTF8.self)
    let words = octets.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard let source = header.source else { return try require(words[1] == "UNKNOWN", "no client is named: \(line)") }
    try require(words.count == 6 && words[1] == (words[2].contains(":") ? "TCP6" : "TCP4"), "accepted \(line)")
    try require((try? IPAddress(parsing: words[2])) == source.address, "\(source) of \(line)")
    try require(words[4] == "\(source.port)", "\(source) of \(line)")
  }
}
