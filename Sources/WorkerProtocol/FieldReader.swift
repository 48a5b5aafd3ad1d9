import Domain
import Wire

/// Size limits of messages and their texts, in bytes. The sender truncates longer texts; they are not rejected.
package enum MessageLimit {
  /// A path, as Linux limits it (PATH_MAX), or any name.
  package static let name = 4096
  /// A reason as text; for a configuration with many errors, as much as fits.
  package static let reason = 8192
  /// A node's name.
  package static let node = 64
  /// A node's report on its state.
  package static let vitals = 12_288
  /// Maximum size of a message: name and reason, or two names, and numbers. Receivers have a buffer of this size.
  package static let message = 16384
}

/// A field of a message; numbers are big-endian.
protocol MessageField {
  func append(to writer: inout ByteWriter)
}

extension MessageField where Self: FixedWidthInteger & UnsignedInteger {
  func append(to writer: inout ByteWriter) { writer.append(bigEndian: self) }
}

extension UInt8: MessageField {}
extension UInt16: MessageField {}
extension UInt32: MessageField {}
extension UInt64: MessageField {}

/// Two bytes of length, then UTF-8, truncated at a character boundary to at most `limit`.
struct Text: MessageField {
  private let text: String
  private let limit: Int

  init(_ text: String, _ limit: Int) {
    self.text = text
    self.limit = limit
  }

  func append(to writer: inout ByteWriter) {
    var count = min(text.utf8.count, limit)
    if count < text.utf8.count { while count > 0, isContinuation(at: count) { count -= 1 } }
    writer.append(bigEndian: UInt16(count))
    for byte in text.utf8.prefix(count) { writer.append(byte) }
  }

  private func isContinuation(at offset: Int) -> Bool {
    text.utf8[text.utf8.index(text.utf8.startIndex, offsetBy: offset)] & 0xc0 == 0x80
  }
}

/// Two bytes of length, then the bytes, at most 65 535.
struct Bytes: MessageField {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func append(to writer: inout ByteWriter) {
    writer.append(bigEndian: UInt16(clamping: bytes.count))
    writer.append(bytes.span)
  }
}

/// One byte of flags (1: first, 2: last), then the bytes.
extension BytePiece: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(fields: (isFirst ? 1 : 0) | (isLast ? 2 : 0) as UInt8, Bytes(bytes))
  }
}

/// One byte of family (4 or 6), the address's 4 or 16 bytes, two bytes of port.
extension Endpoint: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(address.family.rawValue)
    switch address.family {
    case .v4: writer.append(bigEndian: UInt32(truncatingIfNeeded: address.low))
    case .v6: writer.append(fields: address.high, address.low)
    }
    writer.append(bigEndian: port)
  }
}

extension ByteWriter {
  mutating func append(fields: any MessageField...) {
    for field in fields { field.append(to: &self) }
  }
}

/// Encodes a message, at most `MessageLimit.message` bytes: the byte of its kind, then its fields.
func message(_ kind: some RawRepresentable<UInt8>, _ fields: any MessageField...) -> [UInt8] {
  var writer = ByteWriter(limit: MessageLimit.message)
  writer.append(kind.rawValue)
  for field in fields { field.append(to: &writer) }
  return writer.bytes
}

/// Decodes a message's fields, with the errors of messages.
struct FieldReader: ~Escapable {
  private var reader: ByteReader

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { reader = ByteReader(bytes) }

  /// The first byte of a message.
  mutating func kind<Kind: RawRepresentable<UInt8>>(_: Kind.Type) throws(MessageError) -> Kind {
    let number = try uint8()
    guard let kind = Kind(rawValue: number) else { throw .unknownKind(number) }
    return kind
  }

  mutating func uint8() throws(MessageError) -> UInt8 {
    do { return try reader.readUInt8() } catch { throw .truncated }
  }

  mutating func uint16() throws(MessageError) -> UInt16 {
    do { return try reader.readUInt16() } catch { throw .truncated }
  }

  mutating func uint32() throws(MessageError) -> UInt32 {
    do { return try reader.readUInt32() } catch { throw .truncated }
  }

  mutating func uint64() throws(MessageError) -> UInt64 {
    do { return try reader.readUInt64() } catch { throw .truncated }
  }

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

  mutating func bytes(_ name: String, limit: Int) throws(MessageError) -> [UInt8] {
    let count = Int(try uint16())
    guard count <= limit else { throw .invalidField(name) }
    do { return try reader.readArray(count) } catch { throw .truncated }
  }

  mutating func piece() throws(MessageError) -> BytePiece {
    let flags = try uint8()
    guard flags < 4 else { throw .invalidField("flags") }
    return BytePiece(
      isFirst: flags & 1 != 0, isLast: flags & 2 != 0, bytes: try bytes("piece", limit: BytePiece.limit))
  }

  mutating func endpoint() throws(MessageError) -> Endpoint {
    guard let family = IPAddress.Family(rawValue: try uint8()) else { throw .invalidField("address family") }
    let address: IPAddress
    switch family {
    case .v4: address = IPAddress(v4: try uint32())
    case .v6: address = IPAddress(v6High: try uint64(), low: try uint64())
    }
    // An IPv4-mapped address would have two encodings.
    guard address.family == family else { throw .invalidField("address") }
    return Endpoint(address: address, port: try uint16())
  }

  mutating func time() throws(MessageError) -> WallTime {
    guard let time = WallTime(exactMilliseconds: try uint64()) else { throw .invalidField("time") }
    return time
  }

  /// An administrative state, which is of the same release.
  mutating func adminState() throws(MessageError) -> AdminState {
    let state = try field { reader throws(FieldError) in try AdminState(reading: &reader) }
    guard let state else { throw .invalidField("mode") }
    return state
  }

  /// A message about a stream, which is of the same release.
  mutating func streamMessage() throws(MessageError) -> StreamMessage {
    let message = try field { reader throws(FieldError) in try StreamMessage(reading: &reader) }
    guard let message else { throw .invalidField("stream message") }
    return message
  }

  /// What a trace reports.
  mutating func traceEvent() throws(MessageError) -> TraceEvent {
    try field { reader throws(FieldError) in try TraceEvent(reading: &reader) }
  }

  private mutating func field<Value>(
    _ read: (inout ByteReader) throws(FieldError) -> Value
  ) throws(MessageError) -> Value {
    do throws(FieldError) {
      return try read(&reader)
    } catch {
      switch error {
      case .truncated: throw .truncated
      case .invalidField(let name): throw .invalidField(name)
      }
    }
  }

  /// Throws if there are bytes after the last field.
  func end() throws(MessageError) {
    guard reader.remaining == 0 else { throw .trailingBytes }
  }
}
