extension ByteSink where Self: ~Copyable {
  /// Appends a number in network byte order.
  public mutating func append<Number: FixedWidthInteger & UnsignedInteger>(bigEndian number: Number) {
    var shift = Number.bitWidth - 8
    while shift >= 0 {
      append(UInt8(truncatingIfNeeded: number >> Number(truncatingIfNeeded: shift)))
      shift -= 8
    }
  }
}

/// A sink that is an array, for control messages, texts and tests: it grows up to its limit. The data plane writes into
/// leased buffers instead.
///
/// Invariant: `bytes.count ≤ limit`.
public struct ByteWriter: ByteSink {
  /// More was appended than the limit allows.
  public struct Overflow: Error, Hashable, Sendable {
    public init() {}
  }

  public private(set) var bytes: [UInt8] = []
  public private(set) var overflowed = false
  public let limit: Int

  /// An empty writer with room for `limit` bytes.
  public init(limit: Int) { self.limit = limit }

  /// Removes all bytes, clears `overflowed`, and keeps the storage.
  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    overflowed = false
  }

  /// Bytes that do not fit are dropped as a whole, and so is everything after them.
  public mutating func append(_ added: Span<UInt8>) {
    guard added.count <= limit - bytes.count, !overflowed else {
      overflowed = true
      return
    }
    for index in added.indices { bytes.append(added[index]) }
  }

  /// The same for one byte.
  public mutating func append(_ byte: UInt8) {
    guard bytes.count < limit, !overflowed else {
      overflowed = true
      return
    }
    bytes.append(byte)
  }

  /// The same for a text.
  public mutating func append(_ text: StaticString) { append(text.description.utf8Span.span) }

  /// All bytes written; throws when something did not fit.
  public consuming func finish() throws(Overflow) -> [UInt8] {
    guard !overflowed else { throw Overflow() }
    return bytes
  }
}
