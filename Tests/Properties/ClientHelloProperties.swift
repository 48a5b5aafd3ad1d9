import Wire

/// Properties of the first bytes of any connection: their split into segments and records does not change the name that
/// is found, and a result never changes when more bytes arrive.
package enum ClientHelloProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    let whole = ClientHello.parse(bytes.span)
    if whole == .incomplete {
      try require(bytes.count < ClientHello.maximumBytes, "\(bytes.count) bytes are not enough")
    }
    if case .name(let name) = whole {
      try require(1...255 ~= name.count, "a name of \(name.count) bytes")
      try require(bytes.firstRange(of: name) != nil || isSplit(bytes), "a name that is not there")
    }
    var decision: ClientHello.Reading?
    for count in 0..<min(bytes.count, ClientHello.maximumBytes + 2) {
      let reading = ClientHello.parse(bytes.span.extracting(0..<count))
      if let decision { try require(reading == decision, "\(count) bytes are read otherwise than \(count - 1)") }
      if reading != .incomplete { decision = reading }
    }
    if let decision { try require(whole == decision, "all bytes are read otherwise") }
    guard case .name = whole, bytes.count < ClientHello.maximumBytes / 8 else { return }
    try require(ClientHello.parse(resplit(bytes, into: 1).span) == whole, "another name in records of one byte")
    try require(ClientHello.parse(resplit(bytes, into: 100).span) == whole, "another name in records of 100 bytes")
  }

  /// Whether the hello has more than one record.
  private static func isSplit(_ bytes: [UInt8]) -> Bool { bytes.count > 5 + (Int(bytes[3]) << 8 | Int(bytes[4])) }

  /// The same handshake messages in records of this size, as far as they are in complete records.
  private static func resplit(_ bytes: [UInt8], into size: Int) -> [UInt8] {
    var message: [UInt8] = []
    var rest = bytes[...]
    while rest.count >= 5, rest.first == 22 {
      let length = Int(rest[rest.startIndex + 3]) << 8 | Int(rest[rest.startIndex + 4])
      guard rest.count >= 5 + length else { break }
      message += rest.dropFirst(5).prefix(length)
      rest = rest.dropFirst(5 + length)
    }
    return stride(from: 0, to: message.count, by: size).flatMap { start in
      let part = message[start..<min(start + size, message.count)]
      return [22, 3, 1, UInt8(part.count >> 8), UInt8(part.count & 0xff)] + part
    }
  }
}
