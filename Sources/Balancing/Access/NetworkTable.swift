import Wire

/// Which client addresses networks allow: the smallest network that contains an address decides. Addresses in none are
/// allowed unless any network is.
///
/// Each family's addresses are divided into ranges, of which every other one is allowed. A lookup is a binary search.
public struct NetworkTable: Sendable {
  /// Addresses as numbers in ascending order, the first zero, each the start of a range.
  private struct Ranges<Number: FixedWidthInteger & Sendable>: Sendable {
    let starts: [Number]
    let isFirstAllowed: Bool

    init(_ boundaries: [Boundary]) {
      // After the highest address nothing starts.
      starts = boundaries.compactMap { Number(exactly: $0.start) }
      isFirstAllowed = boundaries[0].isAllowed
    }

    @inline(always)
    func allows(_ number: Number) -> Bool {
      let starts = starts.span
      // starts[low] ≤ number < starts[high], if there is one.
      var (low, high) = (0, starts.count)
      while high &- low > 1 {
        let middle = (low &+ high) &>> 1
        if starts[middle] <= number { low = middle } else { high = middle }
      }
      return isFirstAllowed == (low & 1 == 0)
    }

    var areAllAllowed: Bool { isFirstAllowed && starts.count == 1 }
  }

  private struct Boundary {
    let start: UInt128
    let isAllowed: Bool
  }

  private let v4: Ranges<UInt32>
  private let v6: Ranges<UInt128>

  /// A network that is in both lists is denied.
  public init(allow: [IPPrefix], deny: [IPPrefix]) {
    let networks = allow.map { ($0, true) } + deny.map { ($0, false) }
    v4 = Ranges(NetworkTable.boundaries(of: networks.filter { $0.0.network.family == .v4 }, others: allow.isEmpty))
    v6 = Ranges(NetworkTable.boundaries(of: networks.filter { $0.0.network.family == .v6 }, others: allow.isEmpty))
  }

  /// Whether a client with this address is allowed; nil: it is unknown, and allowed only where all clients are.
  public func allows(_ address: IPAddress?) -> Bool {
    guard let address else { return v4.areAllAllowed && v6.areAllAllowed }
    guard address.family == .v4 else { return v6.allows(address.number) }
    return v4.allows(UInt32(truncatingIfNeeded: address.low))
  }

  /// Networks contain each other or are disjoint, so those that contain the present address form a stack.
  private static func boundaries(of networks: [(IPPrefix, Bool)], others: Bool) -> [Boundary] {
    var boundaries = [Boundary(start: 0, isAllowed: others)]
    var open: [(last: UInt128, isAllowed: Bool)] = []
    func begin(_ start: UInt128, _ isAllowed: Bool) {
      if boundaries.last?.start == start { boundaries.removeLast() }
      if boundaries.last?.isAllowed != isAllowed { boundaries.append(Boundary(start: start, isAllowed: isAllowed)) }
    }
    func close() {
      guard let ended = open.popLast(), ended.last < .max else { return }
      begin(ended.last + 1, open.last?.isAllowed ?? others)
    }
    // Larger networks first, and of two equal ones the denied one last.
    let sorted = networks.map { ($0.0.network.number, $0.0.last, $0.1) }.sorted {
      ($0.0, $1.1, $1.2 ? 1 : 0) < ($1.0, $0.1, $0.2 ? 1 : 0)
    }
    for (first, last, isAllowed) in sorted {
      while let innermost = open.last, innermost.last < first { close() }
      begin(first, isAllowed)
      open.append((last, isAllowed))
    }
    while !open.isEmpty { close() }
    return boundaries
  }
}

extension IPAddress {
  /// As one number: 32 or 128 bits.
  fileprivate var number: UInt128 { UInt128(high) << 64 | UInt128(low) }
}

extension IPPrefix {
  /// Its highest address.
  fileprivate var last: UInt128 {
    let bits = UInt128(network.bitWidth - length)
    return network.number | (bits == 128 ? .max : (1 << bits) - 1)
  }
}
