import Wire

/// Finds the lines of a head that `HeaderEdits` remove, from its start to its end, while the head is copied.
///
/// There may be any number of them: nothing is stored of a line but its range, until it is left out.
struct RemovedLines: ~Escapable {
  private let bytes: Span<UInt8>
  private let names: Span<UInt8>
  private let lengths: UInt64
  private var lines: FieldLines
  /// The next line to leave out; nil: none follows.
  private var next: ByteRange?

  /// `start`: of the head in `bytes`, which was parsed before. `names`, `lengths`: those of `HeaderEdits`.
  @_lifetime(copy bytes, copy names)
  init(of bytes: Span<UInt8>, from start: Int, names: Span<UInt8>, lengths: UInt64) {
    self.bytes = bytes
    self.names = names
    self.lengths = lengths
    lines = FieldLines(ofHead: bytes, from: start)
    next = nil
    advance()
  }

  /// Appends a part of the head without the lines that are removed. Parts follow each other; what is between them has
  /// edits of its own, and no line of an edited name is one of those.
  mutating func append<Sink: ByteSink & ~Copyable>(from start: Int, to end: Int, into sink: inout Sink) {
    var cursor = start
    while let line = next, line.start < end {
      if line.start > cursor { sink.append(bytes.extracting(cursor..<line.start)) }
      if line.start >= cursor { cursor = line.end }
      advance()
    }
    if cursor < end { sink.append(bytes.extracting(cursor..<end)) }
  }

  private mutating func advance() {
    do throws(Rejection) {
      while try lines.next(all: true) == .line {
        guard removes(lines.nameRange.slice(of: bytes)) else { continue }
        next = lines.line
        return
      }
    } catch {
      // The head was parsed before: it is valid.
    }
    next = nil
  }

  @inline(always)
  private func removes(_ name: Span<UInt8>) -> Bool {
    guard name.count <= HeaderEdits.longestName, lengths &>> UInt64((name.count &- 1) & 63) & 1 == 1 else {
      return false
    }
    var position = 0
    while position < names.count {
      let count = Int(names[position])
      position &+= 1
      if count == name.count {
        var index = 0
        while index < count, names[position &+ index] == name[index].inComparedName { index &+= 1 }
        if index == count { return true }
      }
      position &+= count
    }
    return false
  }
}
