import Wire

/// The stop of the service as the supervisor decides it: the virtual addresses are handed over first, where there are
/// any, and then the worker is told. Pure: `handle(.timer)` is due at `deadline`.
struct StopStateMachine {
  enum State: Equatable {
    case running
    /// The virtual routers hand their addresses over; then the worker stops, and at the latest at the deadline, whatever
    /// hooks may still do by then. `isCut`: a second signal has come, and the worker is to end at once then.
    case handingOver(deadline: Instant, isCut: Bool)
    /// The worker was told.
    case stopping
  }

  enum Event: Equatable {
    /// SIGTERM or SIGINT. `handsOver`: some virtual router takes part.
    case terminate(handsOver: Bool)
    /// No virtual router takes part any more, and the hooks have run.
    case handedOver
    /// Time has passed.
    case timer
  }

  enum Effect: Equatable {
    /// The service manager is to know that the service stops, and how much longer that may take.
    case announceStopping(within: Interval)
    /// Hand the virtual addresses over.
    case handOver
    /// The worker's part: an orderly stop the first time, its end at once when it was told before.
    case stopWorker
  }

  /// A hand-over takes 1.2 s at most; the rest is for the hooks.
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
      // The addresses are not lost for that: it takes no longer than the deadline.
      state = .handingOver(deadline: deadline, isCut: true)
      return []
    case (.handingOver(let deadline, let isCut), .handedOver), (.handingOver(let deadline, let isCut), .timer):
      guard event == .handedOver || now >= deadline else { return [] }
      state = .stopping
      return [.stopWorker] + (isCut ? [.stopWorker] : [])
    case (.stopping, .terminate):
      // A second signal: nobody is waited for.
      return [.stopWorker]
    case (.running, .handedOver), (.running, .timer), (.stopping, .handedOver), (.stopping, .timer):
      return []
    }
  }
}
