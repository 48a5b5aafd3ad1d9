/// The parts of a head that are not copied unchanged: a few byte ranges in ascending order, without overlap.
///
/// The bytes between two edits are copied in one run. Adjacent lines with the same treatment are one edit.
struct LineEdits: BitwiseCopyable, Sendable {
  enum Treatment: UInt8, BitwiseCopyable, Sendable {
    case drop
    /// Dropped and replaced with `/` or `*`: the scheme and authority of an absolute-form target without a path.
    case replaceWithSlash, replaceWithAsterisk
    /// Dropped and replaced with `chunked`: the same word in another case.
    case replaceWithChunked
    /// X-Forwarded-For: dropped unless the peer is a trusted proxy; then the last line is extended.
    case clientAddress
    /// Dropped unless the peer is a trusted proxy.
    case dropUnlessTrusted
    /// The same, and dropped in any case where the service verifies certificates itself.
    case certificateClaim
    /// Dropped unless the message is an upgrade.
    case dropUnlessUpgrade
    /// Dropped, and in an upgrade replaced with `Upgrade: websocket`: the same with other white space.
    case writeAnewForUpgrade
  }

  struct Edit: BitwiseCopyable, Sendable {
    var range: ByteRange
    var treatment: Treatment
  }

  /// A browser's head needs one or two; all dozen names that are rewritten, on separate lines, need a dozen. No
  /// legitimate client sends more.
  static let capacity = 16

  private(set) var count = 0
  /// Start and end of each edit; and its treatment, four bits each, the first lowest. Compact, since every head has
  /// one.
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

  /// Inserts an edit in order.
  mutating func add(_ range: ByteRange, _ treatment: Treatment) throws(Rejection) {
    var position = count
    while position > 0, self[position &- 1].range.start > range.start { position &-= 1 }
    if position > 0, self[position &- 1].range.end == range.start, self[position &- 1].treatment == treatment {
      setRange(ByteRange(start: self[position &- 1].range.start, end: range.end), at: position &- 1)
      return
    }
    guard count < LineEdits.capacity else { throw .tooManyRewrittenLines }
    var index = count
    while index > position {
      ranges[index] = ranges[index &- 1]
      index &-= 1
    }
    setRange(range, at: position)
    let below = treatments & ~(.max &<< UInt64(truncatingIfNeeded: position &* 4))
    let above = (treatments ^ below) &<< 4
    treatments = below | UInt64(treatment.rawValue) &<< UInt64(truncatingIfNeeded: position &* 4) | above
    count &+= 1
  }

  /// Removes white space around a value, except one SP before it: a server that takes HTAB as part of the value would
  /// parse another one.
  mutating func trim(_ raw: ByteRange, to value: ByteRange, of bytes: Span<UInt8>) throws(Rejection) {
    guard !raw.isTrimmed(to: value, in: bytes) else { return }
    let isLedBySpace = value.start == raw.start &+ 1 && bytes[raw.start] == UInt8(ascii: " ")
    if value.start > raw.start, !isLedBySpace { try add(ByteRange(start: raw.start, end: value.start), .drop) }
    if value.end < raw.end { try add(ByteRange(start: value.end, end: raw.end), .drop) }
  }

  private mutating func setRange(_ range: ByteRange, at index: Int) {
    ranges[index] = UInt32(range.low) | UInt32(range.high) &<< 16
  }

  /// Drops every line of the field section from `start` on that `options` names and that has no edit yet (RFC 9110
  /// §7.6.1). The section has been parsed before, so it is valid.
  mutating func dropLines(
    nominatedBy options: ConnectionOptions, from start: Int, of bytes: Span<UInt8>
  ) throws(Rejection) {
    var lines = FieldLines(bytes, from: start, limit: .max)
    while try lines.next(all: true) == .line {
      guard options.nominate(lines.nameRange.slice(of: bytes), in: bytes), !covers(lines.lineStart) else { continue }
      try add(lines.line, .drop)
    }
  }

  /// Drops the lines that may tell servers of another path than the request's, whoever sent them.
  mutating func dropPathClaims(of bytes: Span<UInt8>) throws(Rejection) {
    var edits = LineEdits()
    for index in 0..<count {
      let edit = self[index]
      guard edit.treatment == .dropUnlessTrusted else {
        try edits.add(edit.range, edit.treatment)
        continue
      }
      var lines = FieldLines(bytes, from: edit.range.start, limit: .max)
      while lines.position < edit.range.end, try lines.next(all: true) == .line {
        let concernsPath = ForwardingFieldNames.concernsPath(lines.nameRange, of: bytes)
        try edits.add(lines.line, concernsPath ? .drop : .dropUnlessTrusted)
      }
    }
    self = edits
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
  /// Whether `value`, a part of this range, is all of it except for one SP before it.
  func isTrimmed(to value: ByteRange, in bytes: Span<UInt8>) -> Bool {
    guard value.high == high else { return false }
    return value.low == low || value.low == low &+ 1 && bytes[start] == UInt8(ascii: " ")
  }
}
