/// What a poller's event is about, packed into its 64 bits: 4 of kind, 28 of generation, 32 of index.
///
/// Whoever has a poller names the kinds of what it watches, `0 ≤ kind < 16`; one that watches several of a kind tells
/// them apart by a slab's key, or by an index.
public struct PollerToken<Kind: RawRepresentable> where Kind.RawValue == UInt64 {
  public let rawValue: UInt64

  /// As an event brings it.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// For what a slab's key names; without a key, for the only one of its kind.
  public init(_ kind: Kind, _ key: SlabKey = SlabKey(index: 0, generation: 0)) {
    precondition(kind.rawValue < 16)
    rawValue = kind.rawValue << 60 | UInt64(key.generation) << 32 | UInt64(key.index)
  }

  /// For what an index below 2³² names.
  public init(_ kind: Kind, index: Int) { self.init(kind, SlabKey(index: UInt32(index), generation: 0)) }

  /// Nil for a token of another poller.
  public var kind: Kind? { Kind(rawValue: rawValue >> 60) }

  public var key: SlabKey {
    SlabKey(
      index: UInt32(truncatingIfNeeded: rawValue), generation: UInt32(truncatingIfNeeded: rawValue >> 32) & 0x0fff_ffff)
  }

  public var index: Int { Int(key.index) }
}
