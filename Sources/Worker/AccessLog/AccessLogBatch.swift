/// Entries of the access log on their way to its writer. An entry is its line and, where the journal wants to know more,
/// lines of fields behind it (`NAME=value`).
struct AccessLogBatch: Sendable {
  /// All of them, each line with its end.
  var bytes: [UInt8] = []
  /// Where each of them ends, in `bytes`.
  var ends: [Int] = []
  /// Some have fields.
  var hasFields = false

  mutating func append(_ other: AccessLogBatch) {
    let offset = bytes.count
    bytes.append(contentsOf: other.bytes)
    ends.append(contentsOf: other.ends.map { $0 + offset })
    hasFields = hasFields || other.hasFields
  }

  /// Each entry's line, without its end, and its fields.
  func forEach(_ body: (_ line: ArraySlice<UInt8>, _ fields: ArraySlice<UInt8>) -> Void) {
    var start = 0
    for end in ends {
      let lineEnd = bytes[start..<end].firstIndex(of: UInt8(ascii: "\n")) ?? end
      body(bytes[start..<lineEnd], bytes[min(lineEnd + 1, end)..<end])
      start = end
    }
  }
}
