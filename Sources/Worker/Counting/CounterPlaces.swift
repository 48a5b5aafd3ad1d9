import Synchronization

/// Numbers of the servers, or of the services, under which each loop keeps its counters of them: an index instead of a
/// search for each request.
final class CounterPlaces: Sendable {
  private let state = Mutex(State())

  private struct State {
    var free: [Int] = []
    /// The numbers below are free or in use.
    var end = 0
    var issued: UInt64 = 0
  }

  /// The lowest free number.
  func take() -> CounterPlace {
    let (index, issue) = state.withLock { state in
      state.issued += 1
      if let free = state.free.popLast() { return (free, state.issued) }
      state.end += 1
      return (state.end - 1, state.issued)
    }
    return CounterPlace(number: CounterNumber(index: index, issue: issue), of: self)
  }

  fileprivate func giveBack(_ index: Int) {
    state.withLock { state in
      state.free.append(index)
      state.free.sort(by: >)
    }
  }
}

/// A number in use. It is free again when nothing refers to it: every snapshot that has the server or service does, so
/// that no loop counts under the number of another one.
final class CounterPlace: Sendable {
  let number: CounterNumber
  private let places: CounterPlaces

  fileprivate init(number: CounterNumber, of places: CounterPlaces) {
    self.number = number
    self.places = places
  }

  deinit { places.giveBack(number.index) }
}

/// A place in a table of counters. `issue` tells those apart that had the same index one after the other.
struct CounterNumber: BitwiseCopyable, Sendable {
  let index: Int
  let issue: UInt64
}
