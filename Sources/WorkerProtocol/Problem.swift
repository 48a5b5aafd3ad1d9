import Wire

/// Something that the worker has warned of.
package struct Problem: Hashable, Sendable {
  /// When it happened last.
  package var time: WallTime
  /// How often it has happened since it was told last.
  package var count: UInt32
  package var text: String

  package init(time: WallTime, count: UInt32, text: String) {
    self.time = time
    self.count = count
    self.text = text
  }
}

extension Problem: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(fields: time.milliseconds, count, Text(text, MessageLimit.reason))
  }
}

extension FieldReader {
  mutating func problem() throws(MessageError) -> Problem {
    let milliseconds = try uint64()
    let time = WallTime(milliseconds: milliseconds)
    guard time.milliseconds == milliseconds else { throw .invalidField("time") }
    return Problem(time: time, count: try uint32(), text: try text("problem", limit: MessageLimit.reason))
  }
}
