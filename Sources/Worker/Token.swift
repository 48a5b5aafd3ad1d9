import Linux

/// What a poller's event is about, packed into its 64 bits: 4 of kind, 28 of generation, 32 of index.
struct Token {
  enum Kind: UInt64 {
    case mailbox = 1
    case listener
    case client
    case server
    case probe
  }

  let rawValue: UInt64

  init(rawValue: UInt64) { self.rawValue = rawValue }

  init(_ kind: Kind, _ key: SlabKey = SlabKey(index: 0, generation: 0)) {
    rawValue = kind.rawValue << 60 | UInt64(key.generation) << 32 | UInt64(key.index)
  }

  var kind: Kind? { Kind(rawValue: rawValue >> 60) }

  var key: SlabKey {
    SlabKey(
      index: UInt32(truncatingIfNeeded: rawValue), generation: UInt32(truncatingIfNeeded: rawValue >> 32) & 0x0fff_ffff)
  }
}
