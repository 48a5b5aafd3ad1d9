/// Counters that only grow, as a worker counts and reports them. Each type lists its counters once, in
/// `forEach(with:_:)`; sums, comparison and encoding follow from that.
public protocol CounterSet: Hashable, Sendable {
  /// All zero.
  init()

  /// Calls `change` with each counter and the same one of `other`, always in the same order.
  mutating func forEach(with other: Self, _ change: (inout UInt64, UInt64) -> Void)
}

extension CounterSet {
  /// Adds the counters of other loops, or of earlier workers; the sums saturate.
  public mutating func add(_ other: Self) {
    forEach(with: other) { sum, count in
      let (total, overflow) = sum.addingReportingOverflow(count)
      sum = overflow ? .max : total
    }
  }

  /// Takes over each counter that has grown. One that has not keeps its value: counters never go back.
  public mutating func grow(to other: Self) { forEach(with: other) { $0 = max($0, $1) } }

  /// The number of counters.
  public static var count: Int { Self().values.count }

  /// The counters, in the order of `forEach(with:_:)`.
  public var values: [UInt64] {
    var copy = self
    var values: [UInt64] = []
    copy.forEach(with: self) { _, value in values.append(value) }
    return values
  }

  /// The counters in the same order: those that are missing are zero, and those after the last are ignored.
  public init(values: some Sequence<UInt64>) {
    self.init()
    var rest = values.makeIterator()
    forEach(with: self) { counter, _ in counter = rest.next() ?? 0 }
  }
}
