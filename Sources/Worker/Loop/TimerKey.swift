/// The owner of a timer, packed into a timer wheel's key: two bits of kind below the index.
struct TimerKey {
  enum Owner {
    /// An index in the loop's slab of clients or of servers.
    case client(UInt32)
    case server(UInt32)
    /// A server's index in the prober's slab.
    case probe(UInt32)
    /// The time limit for the first checks.
    case firstChecks
    /// A flow's index in the relay's slab.
    case flow(UInt32)
  }

  let rawValue: Int

  init(rawValue: Int) { self.rawValue = rawValue }

  init(_ owner: Owner) {
    rawValue =
      switch owner {
      case .client(let index): Int(index) << 2
      case .server(let index): Int(index) << 2 | 1
      case .probe(let index): Int(index) << 2 | 2
      case .firstChecks: 3
      case .flow(let index): (Int(index) + 1) << 2 | 3
      }
  }

  var owner: Owner {
    switch rawValue & 3 {
    case 0: .client(UInt32(truncatingIfNeeded: rawValue >> 2))
    case 1: .server(UInt32(truncatingIfNeeded: rawValue >> 2))
    case 2: .probe(UInt32(truncatingIfNeeded: rawValue >> 2))
    default: rawValue == 3 ? .firstChecks : .flow(UInt32(truncatingIfNeeded: rawValue >> 2 - 1))
    }
  }
}
