/// What a process with a stream to another node gets after the answer to its request: frames of the length in 16 bits,
/// big-endian, and as many bytes of the stream. A length of 0 is followed by the reason of the end, as another length and
/// as many bytes of UTF-8.
package struct StreamFrames: Sendable {
  /// One frame.
  package enum Frame: Hashable, Sendable {
    case data([UInt8])
    /// The last one. Empty: a process has closed its connection.
    case end(reason: String)

    package var encoded: [UInt8] {
      switch self {
      case .data(let bytes): Self.length(bytes.count) + bytes
      case .end(let reason): Self.length(0) + Self.length(reason.utf8.count) + reason.utf8
      }
    }

    private static func length(_ count: Int) -> [UInt8] {
      let count = UInt16(clamping: count)
      return [UInt8(count >> 8), UInt8(truncatingIfNeeded: count)]
    }
  }

  private var received: [UInt8] = []

  /// Nothing was received yet.
  package init() {}

  /// Adds what was received.
  package mutating func append(_ bytes: [UInt8]) { received += bytes }

  /// The next frame; nil until all of it was received.
  package mutating func next() -> Frame? {
    guard let count = length(at: 0) else { return nil }
    guard count == 0 else { return take(2, count).map { .data($0) } }
    guard let count = length(at: 2) else { return nil }
    return take(4, count).map { .end(reason: String(decoding: $0, as: UTF8.self)) }
  }

  private func length(at start: Int) -> Int? {
    received.count < start + 2 ? nil : Int(received[start]) << 8 | Int(received[start + 1])
  }

  private mutating func take(_ start: Int, _ count: Int) -> [UInt8]? {
    guard received.count >= start + count else { return nil }
    defer { received.removeFirst(start + count) }
    return Array(received[start..<start + count])
  }
}
