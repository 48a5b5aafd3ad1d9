/// Where a head is not copied as it is: at most a handful of byte ranges, in ascending order, none overlapping.
///
/// Everything between two edits is a run that is copied whole. Neighbouring lines with the same treatment are one edit.
package struct LineEdits: BitwiseCopyable, Sendable {
  package enum Treatment: UInt8, BitwiseCopyable, Sendable {
    case drop
    /// Dropped, and `/` or `*` in its place: the scheme and authority of an absolute-form target without a path.
    case replaceWithSlash, replaceWithAsterisk
    /// Dropped, and `chunked` in its place: the same word in another case.
    case replaceWithChunked
    /// X-Forwarded-For: dropped unless the peer is a trusted proxy; then the last one is extended.
    case clientAddress
    /// Dropped unless the peer is a trusted proxy.
    case dropUnlessTrusted
    /// Dropped unless the message is an upgrade.
    case dropUnlessUpgrade
  }

  package struct Edit: BitwiseCopyable, Sendable {
    package internal(set) var range: ByteRange
    package internal(set) var treatment: Treatment
  }

  /// A browser's head needs one or two; the dozen names that are rewritten, each on its own, need a dozen. A head with
  /// more is no honest client's.
  package static var capacity: Int { 16 }

  package internal(set) var edits: InlineArray<16, Edit>
  package internal(set) var count = 0

  init() {
    edits = InlineArray(repeating: Edit(range: .absent, treatment: .drop))
  }

  /// Adds an edit in its place.
  mutating func add(_ range: ByteRange, _ treatment: Treatment) throws(Rejection) {
    var place = count
    while place > 0, edits[place &- 1].range.start > range.start { place &-= 1 }
    if place > 0, edits[place &- 1].range.end == range.start, edits[place &- 1].treatment == treatment {
      edits[place &- 1].range = ByteRange(start: edits[place &- 1].range.start, end: range.end)
      return
    }
    guard count < LineEdits.capacity else { throw .tooManyRewrittenLines }
    var index = count
    while index > place {
      edits[index] = edits[index &- 1]
      index &-= 1
    }
    edits[place] = Edit(range: range, treatment: treatment)
    count &+= 1
  }

  /// Drops every line of the field section from `start` on that `options` nominates and that is not edited already
  /// (RFC 9110 §7.6.1). The section was read before, so it reads well.
  mutating func dropLines(
    nominatedBy options: ConnectionOptions, from start: Int, of bytes: Span<UInt8>
  ) throws(Rejection) {
    var lines = FieldLines(bytes, from: start)
    while try lines.next() == .line {
      let name = ByteRange(start: lines.lineStart, end: lines.valueStart &- 1)
      guard options.nominate(name.slice(of: bytes), in: bytes), !covers(lines.lineStart) else { continue }
      try add(lines.line, .drop)
    }
  }

  private func covers(_ position: Int) -> Bool {
    for index in 0..<count {
      let range = edits[index].range
      if range.start <= position, position < range.end { return true }
    }
    return false
  }
}
