import Domain

/// A loop's counters of all servers, or of all services, by their numbers.
struct CounterTable<Counts: CounterSet>: Sendable {
  private struct Row {
    var issue: UInt64 = 0
    var counts = Counts()
  }

  private var rows: [Row] = []

  /// Changes the counters of one of them.
  @inline(always)
  mutating func change(_ number: CounterNumber, _ change: (inout Counts) -> Void) {
    if number.index >= rows.count || rows[number.index].issue != number.issue { begin(number) }
    change(&rows[number.index].counts)
  }

  /// What was counted under this number.
  subscript(number: CounterNumber) -> Counts {
    guard number.index < rows.count, rows[number.index].issue == number.issue else { return Counts() }
    return rows[number.index].counts
  }

  @inline(never)
  private mutating func begin(_ number: CounterNumber) {
    while rows.count <= number.index { rows.append(Row()) }
    rows[number.index] = Row(issue: number.issue)
  }

  /// Copies all counters into the storage that is there: an assignment would share it, and the next change would have to
  /// allocate.
  mutating func copy(_ other: borrowing CounterTable) {
    while rows.count < other.rows.count { rows.append(Row()) }
    for index in other.rows.indices { rows[index] = other.rows[index] }
  }
}
