import Wire

/// Whether this node can serve, as its virtual routers are told. Nothing is known until the first worker is ready and
/// has checked the servers, so that a node that starts takes no part and does not flap.
///
/// A worker that dies is replaced within milliseconds while connections wait in the kernel, so a short absence is no
/// reason to move the addresses; a long one is, and workers that keep dying are.
struct ServingCondition {
  /// How long there may be no worker that serves.
  static let timeout = Interval.seconds(1)

  private(set) var hasWorker: Bool?
  private(set) var reachesServers: Bool?
  private var absentSince: Instant?

  /// When `note` is due next though nothing happens.
  var deadline: Instant? {
    guard hasWorker == true, let absentSince else { return nil }
    return absentSince + Self.timeout
  }

  /// Takes how the worker stands: it serves, is being replaced, or none is even tried at the moment.
  mutating func note(_ state: WorkerStateMachine.State, at now: Instant) {
    switch state {
    case .serving:
      absentSince = nil
      hasWorker = true
    case .waiting where hasWorker != nil: hasWorker = false
    case .idle, .starting, .ending, .waiting, .stopping, .finished:
      guard hasWorker == true else { return }
      let since = absentSince ?? now
      absentSince = since
      if now - since >= Self.timeout { hasWorker = false }
    }
  }

  /// Takes what the worker knows of its servers; nil while it does not know, which changes nothing.
  mutating func note(reachesServers: Bool?) {
    self.reachesServers = reachesServers ?? self.reachesServers
  }
}
