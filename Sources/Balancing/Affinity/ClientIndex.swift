/// Finds a table's entries by their hash: open addressing with linear probing. It stores only the hashes and indices of
/// the entries; the table compares the keys.
///
/// Invariants: `count ≤ capacity`, two thirds of the slots, so that a search reaches an empty slot after a few steps;
/// there is no empty slot between an entry's home slot and its own.
struct ClientIndex: ~Copyable {
  struct Slot {
    var hash: UInt32
    /// `Slot.empty` if the slot is unused.
    var entry: UInt32

    static let empty = UInt32.max
  }

  private var slots: [Slot]
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    slots = Array(repeating: Slot(hash: 0, entry: Slot.empty), count: capacity + capacity / 2 + 1)
  }

  /// The entry with this hash for which `isMatch` holds.
  @inline(always)
  func find(_ hash: UInt32, where isMatch: (Int) -> Bool) -> Int? {
    var slot = home(of: hash)
    while slots[slot].entry != Slot.empty {
      if slots[slot].hash == hash, isMatch(Int(slots[slot].entry)) { return Int(slots[slot].entry) }
      slot = next(slot)
    }
    return nil
  }

  /// Adds an entry that is not in the index. The table keeps the count below `capacity`.
  mutating func insert(_ hash: UInt32, entry: Int) {
    var slot = home(of: hash)
    while slots[slot].entry != Slot.empty { slot = next(slot) }
    slots[slot] = Slot(hash: hash, entry: UInt32(entry))
  }

  /// Removes an entry that is in the index, and moves up the entries after it that the gap would make unreachable.
  mutating func remove(_ hash: UInt32, entry: Int) {
    var gap = home(of: hash)
    while slots[gap].entry != UInt32(entry) { gap = next(gap) }
    var slot = next(gap)
    while slots[slot].entry != Slot.empty {
      if distance(from: home(of: slots[slot].hash), to: slot) >= distance(from: gap, to: slot) {
        slots[gap] = slots[slot]
        gap = slot
      }
      slot = next(slot)
    }
    slots[gap].entry = Slot.empty
  }

  /// Scales the hash to the number of slots, which need not be a power of two.
  private func home(of hash: UInt32) -> Int {
    Int(truncatingIfNeeded: (UInt64(hash) &* UInt64(slots.count)) >> 32)
  }

  private func next(_ slot: Int) -> Int { slot + 1 == slots.count ? 0 : slot + 1 }

  private func distance(from start: Int, to end: Int) -> Int {
    end >= start ? end - start : end - start + slots.count
  }
}
