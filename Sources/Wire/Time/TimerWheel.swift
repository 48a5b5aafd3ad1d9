/// The deadlines of many owners, one each, in a hierarchy of wheels: the cost of arming and disarming does not depend
/// on the number of timers. An owner is a slab index, its `key`.
///
/// A timer never fires early, and is late by less than one tick (`tickNanoseconds`, 8.4 ms) plus the delay of the call
/// of `expire(at:)`. An owner whose deadline moves with every byte need not reschedule each time: it lets the timer
/// fire, compares with its own deadline and arms again.
///
/// Wheel `n` has 64 slots of 64ⁿ ticks each and holds the timers whose deadline first differs from `current` in base-64
/// digit `n`, so a slot of a higher wheel is distributed to lower ones when its time begins. Slots are circular doubly
/// linked lists in one array: the first `TimerWheel.slotCount` nodes are the list heads, followed by one node per key.
///
/// Invariants: `current ≤ tick` of every armed timer outside the due list; a slot's bit in `occupied` is set exactly
/// when its list contains a timer; a disarmed node is linked to itself.
public struct TimerWheel: ~Copyable {
  /// One tick is 2²³ ns: a shift instead of a division, and fine enough for timeouts of hundreds of milliseconds and
  /// more.
  public static let tickNanoseconds: UInt64 = 1 << tickShift
  private static let tickShift: UInt64 = 23
  /// 41 bits of ticks, six bits a wheel.
  static let wheelCount = 7
  static let dueSlot = wheelCount * 64
  static let slotCount = dueSlot + 1

  struct Node {
    var next: UInt32
    var previous: UInt32
    /// The deadline, rounded up to a tick.
    var tick: UInt64

    init(alone index: UInt32) {
      next = index
      previous = index
      tick = 0
    }
  }

  var nodes: [Node]
  /// A bit for each slot of each wheel.
  var occupied: [7 of UInt64] = .init(repeating: 0)
  /// Every tick up to this one has been processed; a timer armed for such a tick fires at the next.
  var current: UInt64
  /// The number of armed timers.
  public internal(set) var count = 0

  /// A wheel without armed timers. `now` is the earliest instant that it will be used with. Storage is allocated for
  /// `capacity` keys, and grows for more.
  public init(startingAt now: Instant, capacity: Int = 0) {
    current = now.nanoseconds >> TimerWheel.tickShift
    nodes = (0..<UInt32(TimerWheel.slotCount)).map { Node(alone: $0) }
    nodes.reserveCapacity(TimerWheel.slotCount + capacity)
  }

  /// Arms the timer of `key`, or moves it if it is armed. A deadline that has passed fires at the next tick.
  public mutating func schedule(_ key: Int, at deadline: Instant) {
    let index = nodeIndex(key)
    while nodes.count <= Int(index) { nodes.append(Node(alone: UInt32(nodes.count))) }
    if nodes[Int(index)].next != index { unlink(index) }
    let roundedDown = deadline.nanoseconds >> TimerWheel.tickShift
    let isWhole = deadline.nanoseconds & (TimerWheel.tickNanoseconds - 1) == 0
    nodes[Int(index)].tick = max(isWhole ? roundedDown : roundedDown + 1, current + 1)
    file(index)
  }

  /// Disarms the timer of `key`; nothing happens when it is not armed.
  public mutating func cancel(_ key: Int) {
    guard isArmed(key) else { return }
    unlink(nodeIndex(key))
  }

  /// Whether the timer of `key` is armed.
  public func isArmed(_ key: Int) -> Bool {
    let index = nodeIndex(key)
    return Int(index) < nodes.count && nodes[Int(index)].next != index
  }

  /// When `expire(at:)` must be called next: how long the owner may sleep. After a long sleep that call may only
  /// distribute a slot, and this is then later. Nil when nothing is armed.
  public var nextDeadline: Instant? {
    if nodes[TimerWheel.dueSlot].next != UInt32(TimerWheel.dueSlot) {
      return Instant(nanoseconds: current << TimerWheel.tickShift)
    }
    guard let (_, tick) = nextSlot else { return nil }
    let (nanoseconds, overflow) = tick.multipliedReportingOverflow(by: TimerWheel.tickNanoseconds)
    return overflow ? .distantFuture : Instant(nanoseconds: nanoseconds)
  }

  /// Disarms one timer whose deadline has passed and returns its key, earlier ticks first; nil when there are no more.
  /// Call it until then. A timer that is armed in the meantime for a time up to `now` fires at the next tick, so that
  /// the calls end.
  public mutating func expire(at now: Instant) -> Int? {
    let due = UInt32(TimerWheel.dueSlot)
    if nodes[Int(due)].next == due { advance(to: now.nanoseconds >> TimerWheel.tickShift) }
    let index = nodes[Int(due)].next
    guard index != due else { return nil }
    unlink(index)
    return Int(index) - TimerWheel.slotCount
  }

  /// Advances to `tick`, and moves the timers on the way to the due list. A time before `current` is ignored.
  private mutating func advance(to tick: UInt64) {
    while let (slot, start) = nextSlot, start <= tick {
      current = start
      occupied[Int(slot) / 64] &= ~(1 << UInt64(slot & 63))
      let first = nodes[Int(slot)].next
      nodes[Int(slot)].previous = slot
      nodes[Int(slot)].next = slot
      deal(from: first, until: slot)
    }
    current = max(current, tick)
  }

  /// Inserts the nodes of a detached list again: due ones into the due list, the others into lower wheels.
  private mutating func deal(from first: UInt32, until end: UInt32) {
    var index = first
    while index != end {
      let next = nodes[Int(index)].next
      count -= 1
      file(index)
      index = next
    }
  }

  /// The occupied slot whose time begins first, and its first tick. The slots of a lower wheel all begin before those
  /// of a higher one.
  private var nextSlot: (slot: UInt32, start: UInt64)? {
    for wheel in 0..<TimerWheel.wheelCount where occupied[wheel] != 0 {
      let digit = UInt64(occupied[wheel].trailingZeroBitCount)
      let shift = UInt64(wheel * 6)
      let start = (current >> (shift + 6)) << (shift + 6) | digit << shift
      return (UInt32(wheel * 64) + UInt32(digit), start)
    }
    return nil
  }

  /// Appends a node to the list of its tick.
  private mutating func file(_ index: UInt32) {
    let tick = nodes[Int(index)].tick
    var slot = UInt32(TimerWheel.dueSlot)
    if tick > current {
      let wheel = (63 - (tick ^ current).leadingZeroBitCount) / 6
      let digit = tick >> UInt64(wheel * 6) & 63
      slot = UInt32(wheel * 64) + UInt32(digit)
      occupied[wheel] |= 1 << digit
    }
    let last = nodes[Int(slot)].previous
    nodes[Int(index)].previous = last
    nodes[Int(index)].next = slot
    nodes[Int(last)].next = index
    nodes[Int(slot)].previous = index
    count += 1
  }

  private mutating func unlink(_ index: UInt32) {
    let next = nodes[Int(index)].next
    let previous = nodes[Int(index)].previous
    nodes[Int(previous)].next = next
    nodes[Int(next)].previous = previous
    nodes[Int(index)].next = index
    nodes[Int(index)].previous = index
    // The list is empty when the neighbours are one node: the slot itself.
    if next == previous, Int(next) < TimerWheel.dueSlot { occupied[Int(next) / 64] &= ~(1 << UInt64(next & 63)) }
    count -= 1
  }

  private func nodeIndex(_ key: Int) -> UInt32 { UInt32(TimerWheel.slotCount + key) }
}
