import Wire

/// Something that the worker has warned of.
package struct Problem: Hashable, Sendable {
  /// When it happened last, in milliseconds since 1970.
  package var time: UInt64
  /// How often it has happened since it was told last.
  package var count: UInt32
  package var text: String

  package init(time: UInt64, count: UInt32, text: String) {
    self.time = time
    self.count = count
    self.text = text
  }
}

extension ByteWriter {
  mutating func append(_ problem: Problem) {
    append(bigEndian: problem.time)
    append(bigEndian: problem.count)
    append(problem.text, limit: MessageLimit.reason)
  }
}

extension FieldReader {
  mutating func problem() throws(MessageError) -> Problem {
    Problem(time: try uint64(), count: try uint32(), text: try text("problem", limit: MessageLimit.reason))
  }
}
