/// The one line that gives a message's framing, Content-Length or Transfer-Encoding.
///
/// A recipient that trims white space or folds case otherwise than we do would read another body. So the line goes out
/// in the one spelling that everybody reads the same: no white space but one SP before the value, `chunked` in lower
/// case.
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

  /// Adds the edits that give it that spelling; for a message that will not be refused.
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
