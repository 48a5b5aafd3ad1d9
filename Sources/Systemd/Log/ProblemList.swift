import Domain

/// The latest logged warnings and errors, for status reports: bounded; repeated messages are counted.
package struct ProblemList: Sendable {
  /// The most entries: a screenful.
  static let capacity = 16

  /// The latest last.
  package private(set) var entries: [Problem] = []

  /// Adds an entry, or counts one with the same text, which then becomes the latest.
  package mutating func add(_ entry: Problem) {
    var entry = entry
    if let same = entries.firstIndex(where: { $0.text == entry.text }) {
      let count = entries.remove(at: same).count.addingReportingOverflow(entry.count)
      entry.count = count.overflow ? .max : count.partialValue
    }
    if entries.count == Self.capacity { entries.removeFirst() }
    entries.append(entry)
  }

  /// Returns and clears the entries.
  package mutating func takeAll() -> [Problem] {
    defer { entries = [] }
    return entries
  }
}
