import Wire

/// Limits on messages and the texts in them, in bytes. A text that is longer is cut by the sender, never refused.
package enum MessageLimit {
  /// A path, as Linux limits it (PATH_MAX), or any name.
  package static let name = 4096
  /// A reason in words; of a configuration with many problems, as many as fit.
  package static let reason = 8192
  /// No message is longer: name and reason, or two names, and numbers. Receivers have this much room.
  package static let message = 16384
}

// The fields that several messages share; reader and writer of each stand together.

extension ByteWriter {
  /// Two bytes of length, then UTF-8, cut at a character's start to stay within `limit`.
  mutating func append(_ text: String, limit: Int) {
    var count = text.utf8.count
    if count > limit {
      count = limit
      while count > 0, Self.isContinuation(text.utf8, at: count) { count -= 1 }
    }
    append(bigEndian: UInt16(count))
    for byte in text.utf8.prefix(count) { append(byte) }
  }

  private static func isContinuation(_ text: String.UTF8View, at offset: Int) -> Bool {
    text[text.index(text.startIndex, offsetBy: offset)] & 0xc0 == 0x80
  }

  /// One byte of family (4 or 6), the address's 4 or 16 bytes, two bytes of port.
  mutating func append(_ endpoint: Endpoint) {
    append(endpoint.address.family.rawValue)
    switch endpoint.address.family {
    case .v4: append(bigEndian: UInt32(truncatingIfNeeded: endpoint.address.low))
    case .v6:
      append(bigEndian: endpoint.address.high)
      append(bigEndian: endpoint.address.low)
    }
    append(bigEndian: endpoint.port)
  }
}

/// Reads a message's fields, with the errors of messages.
struct FieldReader: ~Escapable {
  private var reader: ByteReader

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { reader = ByteReader(bytes) }

  @_lifetime(self: copy self)
  mutating func uint8() throws(MessageError) -> UInt8 {
    do { return try reader.readUInt8() } catch { throw .truncated }
  }

  @_lifetime(self: copy self)
  mutating func uint16() throws(MessageError) -> UInt16 {
    do { return try reader.readUInt16() } catch { throw .truncated }
  }

  @_lifetime(self: copy self)
  mutating func uint32() throws(MessageError) -> UInt32 {
    do { return try reader.readUInt32() } catch { throw .truncated }
  }

  @_lifetime(self: copy self)
  mutating func uint64() throws(MessageError) -> UInt64 {
    do { return try reader.readUInt64() } catch { throw .truncated }
  }

  @_lifetime(self: copy self)
  mutating func text(_ name: String, limit: Int) throws(MessageError) -> String {
    let count = Int(try uint16())
    guard count <= limit else { throw .invalidField(name) }
    do {
      return String(copying: try UTF8Span(validating: try reader.readBytes(count)))
    } catch {
      guard error is ByteReader.Failure else { throw .invalidField(name) }
      throw .truncated
    }
  }

  @_lifetime(self: copy self)
  mutating func endpoint() throws(MessageError) -> Endpoint {
    guard let family = IPAddress.Family(rawValue: try uint8()) else { throw .invalidField("address family") }
    let address: IPAddress
    switch family {
    case .v4: address = IPAddress(v4: try uint32())
    case .v6: address = IPAddress(v6High: try uint64(), low: try uint64())
    }
    // An IPv4-mapped address would have two spellings.
    guard address.family == family else { throw .invalidField("address") }
    return Endpoint(address: address, port: try uint16())
  }

  /// Every byte belongs to a field.
  func end() throws(MessageError) {
    guard reader.remaining == 0 else { throw .trailingBytes }
  }
}
