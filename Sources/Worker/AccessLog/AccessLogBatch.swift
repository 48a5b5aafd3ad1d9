/// Access log entries for the writer. An entry is a line and, for the journal, field lines (`NAME=value`) after it.
struct AccessLogBatch: Sendable {
  /// All entries, including line ends.
  var bytes: [UInt8] = []
  /// The end of each entry in `bytes`.
  var ends: [Int] = []
  /// Whether there are entries with fields.
  var hasFields = false

  mutating func append(_ other: AccessLogBatch) {
    let offset = bytes.count
    bytes.append(contentsOf: other.bytes)
    ends.append(contentsOf: other.ends.map { $0 + offset })
    hasFields = hasFields || other.hasFields
  }

  /// Calls `body` with each entry's line, without its end, and its fields.
  func forEach(_ body: (_ line: ArraySlice<UInt8>, _ fields: ArraySlice<UInt8>) -> Void) {
    var start = 0
    for end in ends {
      let lineEnd = bytes[start..<end].firstIndex(of: UInt8(ascii: "\n")) ?? end
      body(bytes[start..<lineEnd], bytes[min(lineEnd + 1, end)..<end])
      start = end
    }
  }
}
