import Wire

/// Parses a chunked body (RFC 9112 §7.1) into events, with separate chunks.
///
/// Implemented independently of the load balancer's chunk parser, so that tests through the load balancer do not check
/// it against itself. Every chunk yields `chunkBegins`, its content in any number of pieces, `chunkEnds`.
package struct ChunkDecoder: Sendable {
  /// What the next bytes are.
  package enum Event: Equatable, Sendable {
    /// More bytes are needed.
    case needsMore
    /// The start of a chunk of this many bytes (at least one).
    case chunkBegins(UInt64)
    /// The consumed bytes are content of the chunk.
    case content
    case chunkEnds
    /// The last chunk and the trailer section are complete; the rest belongs to the next message.
    case bodyEnds
  }

  /// The longest size or trailer line in bytes, including its CRLF.
  package static let longestLine = 4096
  /// The most trailer lines.
  package static let trailerLines = 64

  private enum State: Sendable {
    case sizeLine
    case content(remaining: UInt64)
    case contentEnd
    case trailer(lines: Int)
    case ended
  }

  private var state = State.sizeLine

  /// The next event in `bytes`, and the number of bytes consumed. After `bodyEnds` no more are consumed.
  package mutating func next(_ bytes: Span<UInt8>) throws(MalformedChunk) -> (event: Event, consumed: Int) {
    switch state {
    case .sizeLine:
      guard let line = try Self.lineLength(bytes) else { return (.needsMore, 0) }
      let size = try Self.size(bytes.extracting(0..<line))
      guard size > 0 else {
        state = .trailer(lines: 0)
        return after(try next(bytes.extracting((line + 2)...)), line + 2)
      }
      state = .content(remaining: size)
      return (.chunkBegins(size), line + 2)
    case .content(let remaining):
      let count = Int(min(remaining, UInt64(bytes.count)))
      guard count > 0 else { return (.needsMore, 0) }
      state = remaining == UInt64(count) ? .contentEnd : .content(remaining: remaining - UInt64(count))
      return (.content, count)
    case .contentEnd:
      guard bytes.count >= 2 else { return (.needsMore, 0) }
      guard bytes[0] == 0x0D, bytes[1] == 0x0A else { throw MalformedChunk() }
      state = .sizeLine
      return (.chunkEnds, 2)
    case .trailer(let lines):
      guard let line = try Self.lineLength(bytes) else { return (.needsMore, 0) }
      guard line > 0 else {
        state = .ended
        return (.bodyEnds, 2)
      }
      guard lines < Self.trailerLines else { throw MalformedChunk() }
      state = .trailer(lines: lines + 1)
      return after(try next(bytes.extracting((line + 2)...)), line + 2)
    case .ended:
      return (.bodyEnds, 0)
    }
  }

  private func after(_ step: (event: Event, consumed: Int), _ count: Int) -> (event: Event, consumed: Int) {
    (step.event, step.consumed + count)
  }

  /// The bytes before the CRLF of the first line; nil when it is incomplete.
  private static func lineLength(_ bytes: Span<UInt8>) throws(MalformedChunk) -> Int? {
    for index in 0..<min(bytes.count, longestLine) where bytes[index] == 0x0A {
      guard index > 0, bytes[index - 1] == 0x0D else { throw MalformedChunk() }
      return index - 1
    }
    guard bytes.count < longestLine else { throw MalformedChunk() }
    return nil
  }

  /// The size in `line`: one to fifteen hexadecimal digits, then the end or an extension, which is ignored (RFC 9112
  /// §7.1.1).
  private static func size(_ line: Span<UInt8>) throws(MalformedChunk) -> UInt64 {
    var size: UInt64 = 0
    var digits = 0
    while digits < line.count, let digit = line[digits].hexadecimalDigit {
      size = size << 4 | UInt64(digit)
      digits += 1
      guard digits <= 15 else { throw MalformedChunk() }
    }
    guard digits > 0, digits == line.count || line[digits] == UInt8(ascii: ";") else { throw MalformedChunk() }
    for index in digits..<line.count where line[index] < 0x20 && line[index] != 0x09 { throw MalformedChunk() }
    return size
  }
}

/// An invalid chunked body.
package struct MalformedChunk: Error, Equatable {
}
