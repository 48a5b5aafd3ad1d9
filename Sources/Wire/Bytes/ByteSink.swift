/// Where rewritten bytes go: a leased buffer on the data plane, an array in a test.
///
/// A sink never grows past its capacity; what does not fit is dropped and remembered in `overflowed`, so that a
/// writer checks once at the end instead of at every append.
public protocol ByteSink: ~Copyable {
  mutating func append(_ bytes: Span<UInt8>)
  mutating func append(_ byte: UInt8)
  /// ASCII text known at compile time.
  mutating func append(_ text: StaticString)
  /// True once an append did not fit. What the sink holds is then worthless.
  var overflowed: Bool { get }
}
