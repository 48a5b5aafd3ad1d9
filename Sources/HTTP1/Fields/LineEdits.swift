/// Where a head is not copied as it is: at most a handful of byte ranges, in ascending order, none overlapping.
///
/// Everything between two edits is a run that is copied whole. Neighbouring lines with the same treatment are one edit.
struct LineEdits: BitwiseCopyable, Sendable {
  enum Treatment: UInt8, BitwiseCopyable, Sendable {
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
    /// Dropped, and in an upgrade `Upgrade: websocket` in its place: the same with other white space.
    case writeAnewForUpgrade
  }

  struct Edit: BitwiseCopyable, Sendable {
    var range: ByteRange
    var treatment: Treatment
  }

  /// A browser's head needs one or two; the dozen names that are rewritten, each on its own, need a dozen. A head with
  /// more is no honest client's.
  static let capacity = 16

  private(set) var count = 0
  /// Start and end of each edit; and its treatment, four bits each, the first lowest. Small, since every head has one.
  var ranges = InlineArray<16, UInt32>(repeating: 0)
  var treatments: UInt64 = 0

  @inline(always)
  init() {}

  subscript(index: Int) -> Edit {
    let bits = ranges[index]
    let treatment = UInt8(truncatingIfNeeded: treatments &>> UInt64(truncatingIfNeeded: index &* 4) & 0xf)
    return Edit(
      range: ByteRange(start: Int(bits & 0xffff), end: Int(bits &>> 16)),
      treatment: Treatment(rawValue: treatment) ?? .drop)
  }

  /// Adds an edit in its place.
  mutating func add(_ range: ByteRange, _ treatment: Treatment) throws(Rejection) {
    var place = count
    while place > 0, self[place &- 1].range.start > range.start { place &-= 1 }
    if place > 0, self[place &- 1].range.end == range.start, self[place &- 1].treatment == treatment {
      setRange(ByteRange(start: self[place &- 1].range.start, end: range.end), at: place &- 1)
      return
    }
    guard count < LineEdits.capacity else { throw .tooManyRewrittenLines }
    var index = count
    while index > place {
      ranges[index] = ranges[index &- 1]
      index &-= 1
    }
    setRange(range, at: place)
    let below = treatments & ~(.max &<< UInt64(truncatingIfNeeded: place &* 4))
    let above = (treatments ^ below) &<< 4
    treatments = below | UInt64(treatment.rawValue) &<< UInt64(truncatingIfNeeded: place &* 4) | above
    count &+= 1
  }

  /// Takes the white space around a value out, but for one SP before it, where a server might not expect it: one that
  /// takes HTAB for a part of the value would read another one.
  mutating func trim(_ raw: ByteRange, to value: ByteRange, of bytes: Span<UInt8>) throws(Rejection) {
    guard !raw.isTrimmed(to: value, in: bytes) else { return }
    let isLedBySpace = value.start == raw.start &+ 1 && bytes[raw.start] == UInt8(ascii: " ")
    if value.start > raw.start, !isLedBySpace { try add(ByteRange(start: raw.start, end: value.start), .drop) }
    if value.end < raw.end { try add(ByteRange(start: value.end, end: raw.end), .drop) }
  }

  private mutating func setRange(_ range: ByteRange, at index: Int) {
    ranges[index] = UInt32(range.low) | UInt32(range.high) &<< 16
  }

  /// Drops every line of the field section from `start` on that `options` nominates and that is not edited already
  /// (RFC 9110 §7.6.1). The section was read before, so it reads well.
  mutating func dropLines(
    nominatedBy options: ConnectionOptions, from start: Int, of bytes: Span<UInt8>
  ) throws(Rejection) {
    var lines = FieldLines(bytes, from: start, limit: .max)
    while try lines.next(all: true) == .line {
      let name = ByteRange(start: lines.lineStart, end: lines.valueStart &- 1)
      guard options.nominate(name.slice(of: bytes), in: bytes), !covers(lines.lineStart) else { continue }
      try add(lines.line, .drop)
    }
  }

  private func covers(_ position: Int) -> Bool {
    for index in 0..<count {
      let range = self[index].range
      if range.start <= position, position < range.end { return true }
    }
    return false
  }
}

extension ByteRange {
  /// Whether `value`, a part of this range, is all of it but for one SP before it.
  func isTrimmed(to value: ByteRange, in bytes: Span<UInt8>) -> Bool {
    guard value.high == high else { return false }
    return value.low == low || value.low == low &+ 1 && bytes[start] == UInt8(ascii: " ")
  }
}
