/// Reads a chunked body (RFC 9112 §7.1) event by event, keeping each chunk apart.
///
/// It is a reading of its own, made without the balancer's chunk tracker: what comes through the balancer is judged by
/// somebody else than the balancer. Every chunk gives `chunkBegins`, its content in any number of pieces, `chunkEnds`.
package struct ChunkDecoder: Sendable {
  /// What the next bytes are.
  package enum Event: Equatable, Sendable {
    /// Nothing more can be said without more bytes.
    case needsMore
    /// A chunk of this many bytes (one or more) begins.
    case chunkBegins(UInt64)
    /// The bytes consumed are content of the chunk.
    case content
    case chunkEnds
    /// The last chunk and the trailer section are over; what follows belongs to the next message.
    case bodyEnds
  }

  /// Longest size line or trailer line, in bytes with its CRLF.
  package static let longestLine = 4096
  /// Most trailer lines.
  package static let trailerLines = 64

  private enum State: Sendable {
    case sizeLine
    case content(remaining: UInt64)
    case contentEnd
    case trailer(lines: Int)
    case ended
  }

  private var state = State.sizeLine

  /// What comes next in `bytes`, and how many of them it took. After `bodyEnds` nothing more is taken.
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

  /// Bytes before the CRLF that ends the first line; nil when it has not come.
  private static func lineLength(_ bytes: Span<UInt8>) throws(MalformedChunk) -> Int? {
    for index in 0..<min(bytes.count, longestLine) where bytes[index] == 0x0A {
      guard index > 0, bytes[index - 1] == 0x0D else { throw MalformedChunk() }
      return index - 1
    }
    guard bytes.count < longestLine else { throw MalformedChunk() }
    return nil
  }

  /// The size in `line`: one to fifteen hexadecimal digits, then the end or an extension, which is ignored
  /// (RFC 9112 §7.1.1).
  private static func size(_ line: Span<UInt8>) throws(MalformedChunk) -> UInt64 {
    var size: UInt64 = 0
    var digits = 0
    while digits < line.count, let digit = Character(UnicodeScalar(line[digits])).hexDigitValue {
      size = size << 4 | UInt64(digit)
      digits += 1
      guard digits <= 15 else { throw MalformedChunk() }
    }
    guard digits > 0, digits == line.count || line[digits] == UInt8(ascii: ";") else { throw MalformedChunk() }
    for index in digits..<line.count where line[index] < 0x20 && line[index] != 0x09 { throw MalformedChunk() }
    return size
  }
}

/// A body that said it was chunked and is not.
package struct MalformedChunk: Error, Equatable {
}
