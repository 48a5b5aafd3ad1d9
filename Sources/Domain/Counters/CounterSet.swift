/// Counters that only grow, as a worker counts and reports them. Each type lists its counters once, in
/// `forEach(with:_:)`; sums, comparison, encoding and metrics follow from that.
public protocol CounterSet: Hashable, Sendable {
  /// All zero.
  init()

  /// Calls `change` with each counter, its name in JSON, and the same counter of `other`, always in the same order.
  mutating func forEach(with other: Self, _ change: (StaticString, inout UInt64, UInt64) -> Void)
}

extension CounterSet {
  /// Adds the counters of other loops, or of earlier workers; the sums saturate.
  public mutating func add(_ other: Self) {
    forEach(with: other) { _, sum, count in
      let (total, overflow) = sum.addingReportingOverflow(count)
      sum = overflow ? .max : total
    }
  }

  /// Takes over each counter that has grown. One that has not keeps its value: counters never go back.
  public mutating func grow(to other: Self) { forEach(with: other) { $1 = max($1, $2) } }

  /// The number of counters.
  public static var count: Int { Self().values.count }

  /// The counters, in the order of `forEach(with:_:)`.
  public var values: [UInt64] {
    var copy = self
    var values: [UInt64] = []
    copy.forEach(with: self) { _, _, value in values.append(value) }
    return values
  }

  /// The counters with their names in JSON, in the same order.
  public var named: [(name: String, value: UInt64)] {
    var copy = self
    var named: [(name: String, value: UInt64)] = []
    copy.forEach(with: self) { name, _, value in named.append(("\(name)", value)) }
    return named
  }

  /// The counters in the same order: those that are missing are zero, and those after the last are ignored.
  public init(values: some Sequence<UInt64>) {
    self.init()
    var rest = values.makeIterator()
    forEach(with: self) { _, counter, _ in counter = rest.next() ?? 0 }
  }
}

/// Counters that are the members of one object in JSON, under their names.
public protocol FlatCounterSet: CounterSet, Codable {}

extension FlatCounterSet {
  /// Each counter under its name.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CounterName.self)
    for (name, value) in named { try members.encode(value, forKey: CounterName(stringValue: name)) }
  }

  /// A counter that another release does not have is zero.
  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CounterName.self)
    let values = try Self().named.map {
      try members.decodeIfPresent(UInt64.self, forKey: CounterName(stringValue: $0.name)) ?? 0
    }
    self.init(values: values)
  }
}

private struct CounterName: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
