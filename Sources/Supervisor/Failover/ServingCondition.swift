import Wire

/// Whether this node can serve, as reported to its virtual routers. Unknown until the first worker is ready, has checked
/// the servers, and knows where the pair's other nodes have sent their clients: until then a starting node takes no
/// part, so it does not flap, and does not send clients elsewhere.
///
/// A worker that dies is replaced within milliseconds while connections wait in the kernel. A short absence therefore
/// does not move the addresses; a long one or repeated crashes do.
struct ServingCondition {
  /// How long the service may be without a serving worker.
  static let timeout = Interval.seconds(1)

  private(set) var hasWorker: Bool?
  /// Whether a worker has reported `tablesReceived`.
  var hasTables = false
  private(set) var hasReachableServer: Bool?
  private var absentSince: Instant?

  /// When `note` is due although nothing has changed.
  var deadline: Instant? {
    guard hasWorker == true, let absentSince else { return nil }
    return absentSince + Self.timeout
  }

  /// Takes the worker's state: serving, being replaced, or waiting after repeated crashes.
  mutating func note(_ state: WorkerStateMachine.State, at now: Instant) {
    switch state {
    case .serving where hasTables:
      absentSince = nil
      hasWorker = true
    case .waiting where hasWorker != nil: hasWorker = false
    case .idle, .starting, .serving, .ending, .waiting, .stopping, .finished:
      guard hasWorker == true else { return }
      let since = absentSince ?? now
      absentSince = since
      if now - since >= Self.timeout { hasWorker = false }
    }
  }

  /// Takes the worker's report on its servers; nil (unknown) changes nothing.
  mutating func note(hasReachableServer: Bool?) {
    self.hasReachableServer = hasReachableServer ?? self.hasReachableServer
  }
}
