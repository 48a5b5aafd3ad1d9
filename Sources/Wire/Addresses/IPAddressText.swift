/// The text form of addresses: parsed by RFC 4291 §2.2, written by RFC 5952. IPv4 is four decimal numbers without
/// leading zeros (other parsers read `010` as eight). No zone, no brackets, no white space.
extension IPAddress {
  /// The same from a string.
  public init(parsing text: String) throws(AddressTextError) {
    try self.init(parsing: text.utf8Span.span)
  }

  /// Throws `.notAnAddress` for any other text.
  public init(parsing text: Span<UInt8>) throws(AddressTextError) {
    guard let address = IPAddress.read(text) else { throw .notAnAddress }
    switch address {
    case .v4(let bits): self.init(v4: bits)
    case .v6(let bits):
      self.init(v6High: UInt64(truncatingIfNeeded: bits >> 64), low: UInt64(truncatingIfNeeded: bits))
    }
  }

  /// Appends the text without allocating; at most 39 bytes.
  public func write(into sink: inout some ByteSink & ~Copyable) {
    if family == .v4 { writeDotted(into: &sink) } else { writeGroups(into: &sink) }
  }

  /// The longest text: eight groups of four digits.
  public static let maximumTextBytes = 39

  private func writeDotted(into sink: inout some ByteSink & ~Copyable) {
    for shift in stride(from: UInt64(24), through: 0, by: -8) {
      sink.append(decimal: low >> shift & 0xff)
      if shift > 0 { sink.append(UInt8(ascii: ".")) }
    }
  }

  /// RFC 5952 §4: lower case, no leading zeros, the first longest run of two or more zero groups as `::`.
  private func writeGroups(into sink: inout some ByteSink & ~Copyable) {
    let gap = longestZeroRun
    var index = 0
    while index < 8 {
      if index == gap.start {
        sink.append(UInt8(ascii: ":"))
        sink.append(UInt8(ascii: ":"))
        index += gap.count
        continue
      }
      if index > 0, index != gap.start + gap.count { sink.append(UInt8(ascii: ":")) }
      sink.append(hexadecimal: group(index))
      index += 1
    }
  }

  private func group(_ index: Int) -> UInt64 {
    (index < 4 ? high : low) >> UInt64(48 - (index & 3) * 16) & 0xffff
  }

  /// The position of `::`; start -1 and count 0 when there are no two consecutive zero groups.
  private var longestZeroRun: (start: Int, count: Int) {
    var best = (start: -1, count: 0)
    var run = 0
    for index in 0..<8 {
      run = group(index) == 0 ? run + 1 : 0
      if run > 1, run > best.count { best = (index - run + 1, run) }
    }
    return best
  }
}

extension IPAddress: CustomStringConvertible {
  public var description: String {
    var text = ByteWriter(limit: IPAddress.maximumTextBytes)
    write(into: &text)
    return String(decoding: text.bytes, as: UTF8.self)
  }
}

extension IPAddress {
  /// A parsed address before IPv4-mapped ones become IPv4: a prefix length counts the bits of the written form.
  enum Written {
    case v4(UInt32)
    case v6(UInt128)
  }

  static func read(_ text: Span<UInt8>) -> Written? {
    if let bits = parseDotted(text) { return .v4(bits) }
    if let bits = parseGroups(text) { return .v6(bits) }
    return nil
  }

  private static func parseDotted(_ text: Span<UInt8>) -> UInt32? {
    var bits: UInt32 = 0
    var position = 0
    for part in 0..<4 {
      if part > 0 {
        guard position < text.count, text[position] == UInt8(ascii: ".") else { return nil }
        position += 1
      }
      let start = position
      var value: UInt32 = 0
      while position < text.count, position < start + 3, let digit = text[position].decimalDigit {
        value = value * 10 + UInt32(digit)
        position += 1
      }
      let leadingZero = position > start + 1 && text[start] == UInt8(ascii: "0")
      guard position > start, value <= 255, !leadingZero else { return nil }
      bits = bits << 8 | value
    }
    return position == text.count ? bits : nil
  }

  private static func parseGroups(_ text: Span<UInt8>) -> UInt128? {
    var parts = Groups()
    var position = 0
    if text.count >= 2, text[0] == UInt8(ascii: ":"), text[1] == UInt8(ascii: ":") {
      parts.sawGap = true
      position = 2
    }
    while position < text.count {
      let start = position
      var value: UInt16 = 0
      while position < text.count, position < start + 4, let digit = text[position].hexadecimalDigit {
        value = value << 4 | UInt16(digit)
        position += 1
      }
      if position < text.count, text[position] == UInt8(ascii: ".") {
        guard let dotted = parseDotted(text.extracting(start..<text.count)) else { return nil }
        parts.append(UInt16(truncatingIfNeeded: dotted >> 16))
        parts.append(UInt16(truncatingIfNeeded: dotted))
        break
      }
      guard position > start else { return nil }
      parts.append(value)
      if position == text.count { break }
      guard text[position] == UInt8(ascii: ":"), position + 1 < text.count else { return nil }
      position += 1
      if text[position] == UInt8(ascii: ":") {
        guard !parts.sawGap else { return nil }
        parts.sawGap = true
        position += 1
      }
    }
    return parts.value
  }

  /// The groups before and after `::`, collected from left to right.
  private struct Groups {
    var sawGap = false
    private var before: UInt128 = 0
    private var beforeCount = 0
    private var after: UInt128 = 0
    private var afterCount = 0

    mutating func append(_ group: UInt16) {
      if sawGap {
        after = after << 16 | UInt128(group)
        afterCount += 1
      } else {
        before = before << 16 | UInt128(group)
        beforeCount += 1
      }
    }

    /// Nil when there are too many or too few groups; `::` replaces at least one.
    var value: UInt128? {
      let count = beforeCount + afterCount
      guard sawGap ? count <= 7 : count == 8 else { return nil }
      return before << UInt128(16 * (8 - beforeCount)) | after
    }
  }
}
