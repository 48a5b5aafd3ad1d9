import Wire

/// The steps of a reload: requested, read, loaded by the worker beside the active configuration, and adopted only as a
/// whole. Waiting requests are merged: the file is read after the last of them.
///
/// Pure: `handle` takes an event and returns effects. Time never goes back between calls, and `handle(.timer)` is due
/// at `deadline`. A candidate is a new configuration with everything that was read and bound for it.
struct ReloadStateMachine<Candidate> {
  typealias Requester = OperatorSocket.Requester

  enum State {
    case idle
    /// No worker serves; the reload starts as soon as one does. A signal has no requester.
    case waiting(requesters: [Requester])
    /// The configuration is being read and its new listeners bound.
    case preparing(requesters: [Requester])
    /// The worker loads the candidate; without its answer before the deadline the reload is refused.
    case loading(Loading)
    /// The service stops; reloads are ignored.
    case stopping
  }

  /// The state while the worker loads a candidate.
  struct Loading {
    let candidate: Candidate
    let number: UInt64
    let deadline: Instant
    let requesters: [Requester]
    /// Requesters of the next reload, since the file may have changed after it was read; nil: no next reload.
    var next: [Requester]?
  }

  enum Event {
    /// By a signal, or by an operator, who gets an answer.
    case requested(by: Requester?)
    /// The configuration was read and everything it needs is open.
    case prepared(Candidate)
    case unprepared(ReloadRefusal)
    /// The worker serves the configuration with this number.
    case ready(number: UInt64)
    /// The worker can't load it.
    case refused(number: UInt64, reason: String)
    /// A worker serves and can load another configuration.
    case workerServes
    /// No worker serves now; a worker that loads a candidate may still answer.
    case workerUnavailable
    case workerEnded
    /// The service stops.
    case stop
    /// Time has passed.
    case timer
  }

  enum Effect {
    /// Notify the service manager that a reload has begun.
    case announceReloading
    /// Read the configuration and bind its new listeners; `prepared` or `unprepared` follows at once.
    case prepare
    /// Send it to the worker.
    case load(Candidate, number: UInt64)
    /// Keep the active configuration and close the candidate.
    case discard(Candidate)
    /// Make the candidate the active configuration.
    case adopt(Candidate, number: UInt64)
    /// Notify the service manager that the reload is over.
    case announceReady
    case note(ReloadNote)
    case answer([Requester], Outcome)
  }

  enum Outcome: Equatable {
    case serves(number: UInt64)
    /// In the words of `belvedere check`.
    case refused([String])
  }

  /// How long a worker may take to load a configuration.
  static var loadingBound: Interval { .seconds(30) }
  /// The most waiting requesters: connections remain for other requests, such as status.
  static var requesterLimit: Int { OperatorSocket.connectionLimit * 3 / 4 }

  private(set) var state = State.idle
  private var isWorkerServing = false
  /// Configurations are numbered as they are sent to a worker. Number 1 is the initial one.
  private var lastNumber: UInt64 = 1

  /// When `handle(.timer)` is due next.
  var deadline: Instant? {
    guard case .loading(let loading) = state else { return nil }
    return loading.deadline
  }

  /// The configuration that the worker is loading.
  var loadingNumber: UInt64? {
    guard case .loading(let loading) = state else { return nil }
    return loading.number
  }

  mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
    switch event {
    case .workerServes: isWorkerServing = true
    case .workerUnavailable, .workerEnded: isWorkerServing = false
    default: break
    }
    switch (state, event) {
    case (.stopping, .requested(let requester)):
      return refuse(Self.stops, requesters: list(requester))
    case (.stopping, _): return []

    case (_, .requested(let requester?)) where requesters.count >= Self.requesterLimit:
      return refuse(Self.crowd, requesters: [requester])
    case (.idle, .requested(let requester)):
      return begin(list(requester))
    case (.waiting(let requesters), .requested(let requester)):
      return begin(requesters + list(requester))
    case (.preparing(let requesters), .requested(let requester)):
      state = .preparing(requesters: requesters + list(requester))
      return []
    case (.loading(var loading), .requested(let requester)):
      loading.next = (loading.next ?? []) + list(requester)
      state = .loading(loading)
      return [.note(.another)]
    case (.waiting(let requesters), .workerServes):
      return begin(requesters)

    case (.preparing(let requesters), .prepared(let candidate)):
      return load(candidate, requesters: requesters, at: now)
    case (.preparing(let requesters), .unprepared(let refusal)):
      state = .idle
      return [.announceReady] + refuse(refusal, requesters: requesters)

    case (.loading(let loading), .ready(let number)) where number == loading.number:
      return [
        .adopt(loading.candidate, number: number), .announceReady, .note(.serves(number: number)),
        .answer(loading.requesters, .serves(number: number)),
      ] + begin(loading.next)
    case (.loading(let loading), .refused(let number, let reason)) where number == loading.number:
      return fail(loading, ReloadRefusal([reason]))
    case (.loading(let loading), .workerEnded):
      return fail(loading, ReloadRefusal(["the worker died during the reload"]))
    case (.loading(let loading), .timer) where now >= loading.deadline:
      return fail(loading, ReloadRefusal(["the worker did not answer in time"]))

    case (.loading(let loading), .stop):
      defer { state = .stopping }
      return [.discard(loading.candidate)] + refuse(Self.stops, requesters: requesters)
    case (.waiting, .stop), (.preparing, .stop):
      defer { state = .stopping }
      return refuse(Self.stops, requesters: requesters)
    case (.idle, .stop):
      state = .stopping
      return []

    case (.idle, _), (.waiting, _), (.preparing, _), (.loading, _):
      return []
    }
  }

  private static var stops: ReloadRefusal { ReloadRefusal(["the service stops"]) }
  private static var crowd: ReloadRefusal {
    ReloadRefusal(["\(requesterLimit) operators wait for a reload already: try again when they are answered"])
  }

  /// Requesters that wait for an answer.
  private var requesters: [Requester] {
    switch state {
    case .idle, .stopping: []
    case .waiting(let requesters), .preparing(let requesters): requesters
    case .loading(let loading): loading.requesters + (loading.next ?? [])
    }
  }

  private func list(_ requester: Requester?) -> [Requester] { requester.map { [$0] } ?? [] }

  private mutating func load(_ candidate: Candidate, requesters: [Requester], at now: Instant) -> [Effect] {
    lastNumber += 1
    let deadline = now + Self.loadingBound
    state = .loading(
      Loading(
        candidate: candidate, number: lastNumber, deadline: deadline, requesters: requesters, next: nil))
    return [.load(candidate, number: lastNumber)]
  }

  /// Starts a requested reload, if any, or waits for a worker.
  private mutating func begin(_ requesters: [Requester]?) -> [Effect] {
    guard let requesters else {
      state = .idle
      return []
    }
    guard isWorkerServing else {
      state = .waiting(requesters: requesters)
      return [.note(.postponed)]
    }
    state = .preparing(requesters: requesters)
    return [.announceReloading, .prepare]
  }

  private mutating func fail(_ loading: Loading, _ refusal: ReloadRefusal) -> [Effect] {
    [.discard(loading.candidate), .announceReady] + refuse(refusal, requesters: loading.requesters)
      + begin(loading.next)
  }

  private func refuse(_ refusal: ReloadRefusal, requesters: [Requester]) -> [Effect] {
    refusal.lines.map { .note(.refused($0)) }
      + (requesters.isEmpty ? [] : [.answer(requesters, .refused(refusal.reasons))])
  }
}
