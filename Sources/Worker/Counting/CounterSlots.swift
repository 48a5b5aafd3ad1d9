import Synchronization

/// The slots in which each loop keeps its counters of servers, or of services: an index instead of a search for each
/// request.
final class CounterSlots: Sendable {
  private let state = Mutex(State())

  private struct State {
    var free: [Int] = []
    /// The slots below are free or in use.
    var end = 0
    var generation: UInt64 = 0
  }

  /// A free slot; the one that was given back last, if any.
  func take() -> CounterSlot {
    let (index, generation) = state.withLock { state in
      state.generation += 1
      if let free = state.free.popLast() { return (free, state.generation) }
      state.end += 1
      return (state.end - 1, state.generation)
    }
    return CounterSlot(key: CounterKey(index: index, generation: generation), of: self)
  }

  fileprivate func giveBack(_ index: Int) { state.withLock { $0.free.append(index) } }
}

/// A slot in use. It is free again when nothing refers to it: every snapshot that has the server or service does, so that
/// no loop counts in the slot of another one.
final class CounterSlot: Sendable {
  let key: CounterKey
  private let slots: CounterSlots

  fileprivate init(key: CounterKey, of slots: CounterSlots) {
    self.key = key
    self.slots = slots
  }

  deinit { slots.giveBack(key.index) }
}

/// A slot in a table of counters. `generation` tells those apart that had the same index one after the other.
struct CounterKey: BitwiseCopyable, Sendable {
  let index: Int
  let generation: UInt64
}
