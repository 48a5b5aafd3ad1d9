import Domain

/// The last warnings and errors that were said, for whoever asks what is wrong: bounded, and what is said again and again
/// counted instead of repeated.
package struct ProblemList: Sendable {
  /// Entries that are kept: a screen of them.
  static let capacity = 16

  /// The latest last.
  package private(set) var entries: [Problem] = []

  /// Adds an entry, or counts one that says the same, which is then the latest.
  package mutating func add(_ entry: Problem) {
    var entry = entry
    if let same = entries.firstIndex(where: { $0.text == entry.text }) {
      let count = entries.remove(at: same).count.addingReportingOverflow(entry.count)
      entry.count = count.overflow ? .max : count.partialValue
    }
    if entries.count == Self.capacity { entries.removeFirst() }
    entries.append(entry)
  }

  /// Takes everything out.
  package mutating func takeAll() -> [Problem] {
    defer { entries = [] }
    return entries
  }
}
