/// A cursor over received bytes that never reads past their end. Numbers are big-endian.
///
/// Invariant: `0 ≤ position ≤ bytes.count`. A failed read does not move the cursor.
public struct ByteReader: ~Escapable {
  /// What is wrong with the bytes. The caller decides whose fault it is.
  public enum Failure: Error, Hashable, Sendable {
    /// Fewer bytes are left than requested.
    case truncated
    /// Bytes are left after the end of the message.
    case trailingBytes
  }

  let bytes: Span<UInt8>
  /// The number of bytes read.
  public var position: Int { cursor }
  var cursor = 0

  @_lifetime(copy bytes)
  public init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  /// The number of bytes left.
  public var remaining: Int { bytes.count &- cursor }

  /// The next number, big-endian.
  public mutating func readUInt8() throws(Failure) -> UInt8 { try readBigEndian() }
  public mutating func readUInt16() throws(Failure) -> UInt16 { try readBigEndian() }
  public mutating func readUInt32() throws(Failure) -> UInt32 { try readBigEndian() }
  public mutating func readUInt64() throws(Failure) -> UInt64 { try readBigEndian() }

  /// The next `count` bytes, in place. A negative count is `truncated` too.
  @_lifetime(copy self) @_lifetime(self: copy self)
  public mutating func readBytes(_ count: Int) throws(Failure) -> Span<UInt8> {
    guard 0...remaining ~= count else { throw .truncated }
    let start = cursor
    cursor = start &+ count
    return bytes.extracting(start..<cursor)
  }

  /// The next `count` bytes, copied.
  public mutating func readArray(_ count: Int) throws(Failure) -> [UInt8] {
    let bytes = try readBytes(count)
    return bytes.indices.map { bytes[$0] }
  }

  /// All bytes that are left, copied.
  public mutating func readRest() -> [UInt8] {
    defer { cursor = bytes.count }
    return (cursor..<bytes.count).map { bytes[$0] }
  }

  /// Throws unless all bytes were read.
  public func expectEnd() throws(Failure) {
    guard remaining == 0 else { throw .trailingBytes }
  }

  mutating func readBigEndian<Number: FixedWidthInteger & UnsignedInteger>() throws(Failure) -> Number {
    let size = Number.bitWidth / 8
    guard size <= remaining else { throw .truncated }
    var value: Number = 0
    for index in cursor..<cursor &+ size { value = value << 8 | Number(truncatingIfNeeded: bytes[index]) }
    cursor &+= size
    return value
  }
}
