import Wire

/// The stop of the service: the virtual addresses are handed over first, if there are any, and then the worker is
/// stopped. Pure: `handle(.timer)` is due at `deadline`.
struct StopStateMachine {
  enum State: Equatable {
    case running
    /// The virtual routers hand their addresses over; then the worker stops, at the deadline at the latest, even if
    /// hooks still run. `isCut`: after a second signal, the worker is then stopped at once.
    case handingOver(deadline: Instant, isCut: Bool)
    /// The stop command was sent to the worker.
    case stopping
  }

  enum Event: Equatable {
    /// SIGTERM or SIGINT. `handsOver`: a virtual router takes part in the election.
    case terminate(handsOver: Bool)
    /// All virtual routers have stopped and the hooks have run.
    case handedOver
    /// Time has passed.
    case timer
  }

  enum Effect: Equatable {
    /// Notify the service manager that the service stops, and how long that may take.
    case announceStopping(within: Interval)
    /// Hand the virtual addresses over.
    case handOver
    /// Stop the worker: gracefully the first time, immediately the second.
    case stopWorker
  }

  /// A handover takes at most 1.2 s; the rest is for the hooks.
  static let handoverBound = Interval.seconds(3)

  private(set) var state = State.running

  /// When `handle(.timer)` is due next.
  var deadline: Instant? {
    guard case .handingOver(let deadline, _) = state else { return nil }
    return deadline
  }

  mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
    switch (state, event) {
    case (.running, .terminate(handsOver: true)):
      state = .handingOver(deadline: now + Self.handoverBound, isCut: false)
      return [.announceStopping(within: Self.handoverBound), .handOver]
    case (.running, .terminate(handsOver: false)):
      state = .stopping
      return [.stopWorker]
    case (.handingOver(let deadline, _), .terminate):
      // The addresses are still handed over: that takes no longer than the deadline.
      state = .handingOver(deadline: deadline, isCut: true)
      return []
    case (.handingOver(let deadline, let isCut), .handedOver), (.handingOver(let deadline, let isCut), .timer):
      guard event == .handedOver || now >= deadline else { return [] }
      state = .stopping
      return [.stopWorker] + (isCut ? [.stopWorker] : [])
    case (.stopping, .terminate):
      // A second signal: the worker stops without waiting.
      return [.stopWorker]
    case (.running, .handedOver), (.running, .timer), (.stopping, .handedOver), (.stopping, .timer):
      return []
    }
  }
}
