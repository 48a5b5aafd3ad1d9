import Linux

/// Which processes may use the control socket. Pure.
struct OperatorAdmission {
  enum Decision: Equatable {
    case admitted
    /// Its request is answered with a refusal.
    case unauthorized
    /// Disconnected without an answer: a worker that connects may be compromised. `isLatest`: no worker was started
    /// after it.
    case worker(isLatest: Bool)
  }

  /// The process IDs of recent workers, latest last: a request may arrive after its worker has ended. A PID is reused
  /// only after all others have been.
  private var workers: [Int32] = []
  private static let workersKept = 4

  /// Refuses this worker process from now on.
  mutating func forbid(worker process: Int32) {
    workers.append(process)
    if workers.count > Self.workersKept { workers.removeFirst() }
  }

  /// The process ID of the current worker, or of the last one.
  var latestWorker: Int32? { workers.last }

  /// `isAuthorized`: whether the peer's user or one of its groups has permission.
  func decision(on peer: LocalSocket.Peer, isAuthorized: Bool) -> Decision {
    if workers.contains(peer.process) { return .worker(isLatest: workers.last == peer.process) }
    return isAuthorized ? .admitted : .unauthorized
  }
}
