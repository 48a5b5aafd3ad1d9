/// The one line that determines a message's framing, Content-Length or Transfer-Encoding.
///
/// A recipient that trims white space or compares case differently could find another body. So the line is sent in a
/// normal form that all recipients parse equally: one SP or nothing before the value, no other white space, `chunked`
/// in lower case.
struct FramingLine: BitwiseCopyable {
  private(set) var line = ByteRange.absent
  private var rawValue = ByteRange.absent
  private var value = ByteRange.absent

  init() {}

  var isAbsent: Bool { line.isEmpty }

  init(_ lines: borrowing FieldLines) {
    line = lines.line
    rawValue = ByteRange(start: lines.valueStart, end: lines.valueEnd)
    value = lines.value
  }

  /// Adds the edits for that form; for a message that is not refused.
  func normalise(_ fields: FramingFields, of bytes: Span<UInt8>, into edits: inout LineEdits) throws(Rejection) {
    try edits.trim(rawValue, to: value, of: bytes)
    if fields.transferEncoding == .chunked, !isLowerCase(value, of: bytes) {
      try edits.add(value, .replaceWithChunked)
    }
  }

  private func isLowerCase(_ range: ByteRange, of bytes: Span<UInt8>) -> Bool {
    for index in range.start..<range.end where bytes[index].isUpperCaseLetter { return false }
    return true
  }
}
