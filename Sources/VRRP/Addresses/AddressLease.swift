import Wire

/// Whether the virtual addresses are on the interface, and until when without further ado.
///
/// The kernel takes an address off by itself when its lease ends, so that it never outlives this process by more. As
/// long as it is held the lease is renewed four times in its length.
struct AddressLease: Hashable {
  enum State: Hashable {
    case absent
    case held(renewAt: Instant)
    /// Still there, until the one that took over is surely known.
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

  /// Puts the addresses on, or makes them stay.
  mutating func hold(at now: Instant) -> [VirtualRouter.Effect] {
    state = .held(renewAt: now + Interval(nanoseconds: length.nanoseconds / 4))
    return [.holdAddresses(lease: length)]
  }

  /// Takes the addresses off a little later.
  mutating func yield(at now: Instant) {
    if case .held = state { state = .yielding(dropAt: now + VirtualRouter.Pace.yieldGrace) }
  }

  /// Takes the addresses off now.
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
