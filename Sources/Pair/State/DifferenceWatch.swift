import Wire

/// The differences from another node that are logged: once when one has lasted for `delay`, and once when it has been
/// gone for as long. The nodes' health checks notice a failure at different times, and reloads follow one another.
package struct DifferenceWatch: Sendable {
  /// What is to be logged.
  package enum Note: Hashable, Sendable {
    case began(NodeDifference)
    case ended(NodeDifference)
  }

  /// With the default health checks, nodes notice a failure less than ten seconds apart.
  package static let delay = Interval.seconds(10)

  private struct Entry {
    var difference: NodeDifference
    var isThere = true
    /// Since when it is there, or is not.
    var since: Instant
    var isLogged = false
  }

  /// Those that are there or were logged, at most twice `NodeDifference.limit`.
  private var entries: [Entry] = []

  /// None was logged.
  package init() {}

  /// Takes what differs now, and returns what is to be logged.
  package mutating func observe(_ differences: [NodeDifference], at now: Instant) -> [Note] {
    for index in entries.indices {
      let difference = differences.first { $0.isSame(as: entries[index].difference) }
      entries[index].difference = difference ?? entries[index].difference
      guard (difference != nil) != entries[index].isThere else { continue }
      entries[index].isThere = difference != nil
      entries[index].since = now
    }
    for difference in differences where !entries.contains(where: { $0.difference.isSame(as: difference) }) {
      entries.append(Entry(difference: difference, since: now))
    }
    var notes: [Note] = []
    for index in entries.indices where now >= entries[index].since + Self.delay {
      guard entries[index].isThere != entries[index].isLogged else { continue }
      entries[index].isLogged = entries[index].isThere
      let difference = entries[index].difference
      notes.append(entries[index].isLogged ? .began(difference) : .ended(difference))
    }
    entries.removeAll { !$0.isThere && !$0.isLogged }
    return notes
  }
}
