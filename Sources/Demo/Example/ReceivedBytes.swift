/// Received bytes that were not parsed yet, oldest first.
struct ReceivedBytes {
  /// `0 ≤ start ≤ storage.count`; bytes before `start` have been consumed.
  private var storage: [UInt8] = []
  private var start = 0

  var count: Int { storage.count - start }
  var isEmpty: Bool { count == 0 }

  var span: Span<UInt8> {
    @_lifetime(borrow self)
    borrowing get { storage.span.extracting(start...) }
  }

  /// A copy of the bytes at these offsets.
  func bytes(_ range: Range<Int>) -> ArraySlice<UInt8> { storage[start + range.lowerBound..<start + range.upperBound] }

  mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= self.count)
    start += count
    if start == storage.count {
      storage.removeAll(keepingCapacity: true)
      start = 0
    }
  }

  /// Waits for more bytes; false when the stream has ended.
  mutating func receive<Stream: ByteStream & ~Copyable>(from stream: inout Stream) throws(DemoError) -> Bool {
    if start > 0 {
      storage.removeSubrange(..<start)
      start = 0
    }
    return try stream.receive(into: &storage)
  }
}
