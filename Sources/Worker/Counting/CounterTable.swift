import Domain

/// A loop's counters of all servers, or of all services, by their slots.
struct CounterTable<Counts: CounterSet>: Sendable {
  private struct Row {
    var generation: UInt64 = 0
    var counts = Counts()
  }

  private var rows: [Row] = []

  /// Changes the counters of one of them.
  @inline(always)
  mutating func change(_ key: CounterKey, _ change: (inout Counts) -> Void) {
    if key.index >= rows.count || rows[key.index].generation != key.generation { begin(key) }
    change(&rows[key.index].counts)
  }

  /// What was counted under this key.
  subscript(key: CounterKey) -> Counts {
    guard key.index < rows.count, rows[key.index].generation == key.generation else { return Counts() }
    return rows[key.index].counts
  }

  @inline(never)
  private mutating func begin(_ key: CounterKey) {
    while rows.count <= key.index { rows.append(Row()) }
    rows[key.index] = Row(generation: key.generation)
  }

  /// Copies all counters into the storage that is there: an assignment would share it, and the next change would have to
  /// allocate.
  mutating func copy(_ other: borrowing CounterTable) {
    while rows.count < other.rows.count { rows.append(Row()) }
    for index in other.rows.indices { rows[index] = other.rows[index] }
  }
}
