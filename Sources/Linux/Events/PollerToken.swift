/// The source of a poller event, packed into 64 bits: 4 of kind, 28 of generation, 32 of index.
///
/// Each poller has its own kinds, `0 ≤ kind < 16`. Several sources of one kind differ by slab key or index.
public struct PollerToken<Kind: RawRepresentable> where Kind.RawValue == UInt64 {
  public let rawValue: UInt64

  /// The token of an event.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// For a slab key; without a key, for the only source of its kind.
  public init(_ kind: Kind, _ key: SlabKey = SlabKey(index: 0, generation: 0)) {
    precondition(kind.rawValue < 16)
    rawValue = kind.rawValue << 60 | UInt64(key.generation) << 32 | UInt64(key.index)
  }

  /// For an index below 2³².
  public init(_ kind: Kind, index: Int) { self.init(kind, SlabKey(index: UInt32(index), generation: 0)) }

  /// Nil for a token of another poller.
  public var kind: Kind? { Kind(rawValue: rawValue >> 60) }

  public var key: SlabKey {
    SlabKey(
      index: UInt32(truncatingIfNeeded: rawValue), generation: UInt32(truncatingIfNeeded: rawValue >> 32) & 0x0fff_ffff)
  }

  public var index: Int { Int(key.index) }
}
