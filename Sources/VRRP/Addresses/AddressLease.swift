import Wire

/// Whether the virtual addresses are on the interface, and when they must be renewed or removed.
///
/// The kernel removes an address when its lifetime ends, so that the address outlives this process by one lease at
/// most. While held, the lease is renewed four times in its length.
struct AddressLease: Hashable {
  enum State: Hashable {
    case absent
    case held(renewAt: Instant)
    /// Still on the interface, until every neighbour has learned the successor's hardware address.
    case yielding(dropAt: Instant)
  }

  let length: Interval
  private(set) var state = State.absent

  init(length: Interval) { self.length = length }

  var isPresent: Bool { state != .absent }

  var deadline: Instant? {
    switch state {
    case .absent: nil
    case .held(let instant), .yielding(let instant): instant
    }
  }

  /// Adds the addresses, or renews them.
  mutating func hold(at now: Instant) -> [VirtualRouter.Effect] {
    state = .held(renewAt: now + Interval(nanoseconds: length.nanoseconds / 4))
    return [.holdAddresses(lease: length)]
  }

  /// Removes the addresses after a short delay.
  mutating func yield(at now: Instant) {
    if case .held = state { state = .yielding(dropAt: now + VirtualRouter.Pace.yieldGrace) }
  }

  /// Removes the addresses now.
  mutating func drop() -> [VirtualRouter.Effect] {
    guard isPresent else { return [] }
    state = .absent
    return [.dropAddresses]
  }

  mutating func advance(to now: Instant) -> [VirtualRouter.Effect] {
    switch state {
    case .held(let renewAt) where now >= renewAt: hold(at: now)
    case .yielding(let dropAt) where now >= dropAt: drop()
    case .absent, .held, .yielding: []
    }
  }
}
