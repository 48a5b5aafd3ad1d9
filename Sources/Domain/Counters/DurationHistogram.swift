import Wire

/// Durations, counted by their magnitude: up to 0.5 ms, up to 1 ms, and so on with doubled bounds up to 32.768 s, and
/// longer ones.
///
/// Bounds that double cover a connect in the same rack and a slow logon with few buckets, each of which tells a duration
/// to a factor of two; and the bucket of a duration is found by counting leading zeros, without a search.
public struct DurationHistogram: CounterSet {
  /// The number of buckets.
  public static let bucketCount = 18
  /// The upper bound of the first bucket.
  private static let firstBound: UInt64 = 500_000

  /// The number of durations in each bucket: above the bound of the one before, and up to its own.
  public private(set) var buckets: InlineArray<18, UInt64> = InlineArray(repeating: 0)
  /// The sum of all durations in microseconds.
  public private(set) var microseconds: UInt64 = 0

  public init() {}

  /// The upper bounds in milliseconds; the last bucket has none.
  public static var bounds: [Double] { (0..<bucketCount - 1).map { 0.5 * Double(1 << $0) } }

  /// The number of durations.
  public var count: UInt64 { buckets.indices.reduce(0) { $0 &+ buckets[$1] } }

  /// Counts a duration.
  @inline(__always)
  public mutating func add(_ duration: Interval) {
    buckets[Self.bucket(of: duration)] &+= 1
    microseconds &+= duration.nanoseconds / 1000
  }

  /// The index of the bucket that counts a duration.
  @inline(always)
  static func bucket(of duration: Interval) -> Int {
    let beyond = (duration.nanoseconds &- min(duration.nanoseconds, 1)) / firstBound
    return min(UInt64.bitWidth &- beyond.leadingZeroBitCount, bucketCount - 1)
  }

  /// Lists the counters.
  public mutating func forEach(with other: DurationHistogram, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
    for index in buckets.indices { change("bucket", &buckets[index], other.buckets[index]) }
    change("sum_us", &microseconds, other.microseconds)
  }

  public static func == (left: DurationHistogram, right: DurationHistogram) -> Bool {
    left.microseconds == right.microseconds && left.buckets.indices.allSatisfy { left.buckets[$0] == right.buckets[$0] }
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(values) }
}

extension DurationHistogram: Codable {
  private enum CodingKeys: String, CodingKey {
    case buckets
    case microseconds = "sum_us"
  }

  /// Empty buckets at the end are left out.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    let end = buckets.indices.last { buckets[$0] > 0 }.map { $0 + 1 } ?? 0
    try members.encode((0..<end).map { buckets[$0] }, forKey: .buckets)
    try members.encode(microseconds, forKey: .microseconds)
  }

  /// Missing buckets are empty, and further ones are ignored.
  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    let counts = try members.decode([UInt64].self, forKey: .buckets)
    for (index, count) in zip(buckets.indices, counts) { buckets[index] = count }
    microseconds = try members.decode(UInt64.self, forKey: .microseconds)
  }
}
