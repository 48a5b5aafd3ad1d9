/// A destination for output bytes: a leased buffer on the data plane, an array in a test.
///
/// A sink never grows past its capacity. What does not fit is dropped and sets `overflowed`, so that a writer checks
/// once at the end instead of at every append.
public protocol ByteSink: ~Copyable {
  mutating func append(_ bytes: Span<UInt8>)
  mutating func append(_ byte: UInt8)
  /// ASCII text known at compile time.
  mutating func append(_ text: StaticString)
  /// True once an append did not fit. The content of the sink is then invalid.
  var overflowed: Bool { get }
}
