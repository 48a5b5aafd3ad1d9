import Balancing
import Configuration
import Domain
import Linux
import Synchronization
import TLS
import Wire

/// A Connection Server, identified by service, name and address, as shared by all snapshots: its state and its slots.
final class SharedServer: Sendable {
  /// In the newest snapshot that has the server: its service may get another name.
  private let naming: Mutex<Naming>
  /// By its name within the service: clients are assigned to this id.
  let id: ServerID
  /// Of its counters in each loop.
  let slot: CounterSlot
  private let currentState = Atomic(ServerState.down.rawValue)
  /// When its slow start began, in nanoseconds; 0 if it has never recovered.
  private let returnedAt = Atomic<UInt64>(0)
  /// The worst suspicion raised by traffic since the prober last took it.
  private let suspicion = Atomic(Suspicion.none.rawValue)
  private let admission: Mutex<Admission<WaitingRequest>>
  /// Counts failed requests, from which the server becomes suspected for a time.
  private let passiveCheck = Mutex(PassiveCheck())
  private let suspectedUntil = Atomic<UInt64>(0)
  private let checked = Mutex(Checks())
  private let flows = Atomic<Int>(0)

  /// The last completed health check, and the number of those so far.
  struct Checks {
    var last: ServerCheck?
    var completed: UInt64 = 0
    var failed: UInt64 = 0
    /// The certificate that the server presented last.
    var certificate: CertificateFacts?
  }

  private struct Naming {
    let server: ServerIdentity
    let service: String

    init(_ settings: Configuration.Server) {
      server = settings.identity
      service = settings.service
    }
  }

  init(_ settings: Configuration.Server, queue: Int, _ slot: CounterSlot) {
    self.slot = slot
    naming = Mutex(Naming(settings))
    id = ServerID(name: settings.name)
    admission = Mutex(Admission(limit: settings.connections, queueLimit: queue))
  }

  var identity: ServerIdentity { naming.withLock { $0.server } }

  var service: String { naming.withLock { $0.service } }

  /// The name in the log, the status and commands.
  var name: String { identity.name }

  /// The state last published by the prober; down before that.
  var state: ServerState { ServerState(rawValue: currentState.load(ordering: .acquiring)) ?? .down }

  /// Whether it accepts any clients.
  var takesClients: Bool { state.takesKnownClients }

  /// Publishes a state of the health checks, which supersedes suspicion raised by traffic.
  func become(_ state: ServerState) {
    suspectedUntil.store(0, ordering: .relaxed)
    passiveCheck.withLock { $0 = PassiveCheck() }
    currentState.store(state.rawValue, ordering: .releasing)
  }

  /// Records a failed request of a client. Returns why the server is suspected from now on, if it was not before.
  func failed(_ client: ClientKey, at now: Instant) -> PassiveCheck.Finding? {
    let isNews = !isSuspected(at: now)
    let finding = passiveCheck.withLock { $0.failed(client, at: now) }
    if finding != nil { suspectedUntil.store((now + PassiveCheck.pause).nanoseconds, ordering: .relaxed) }
    return isNews ? finding : nil
  }

  /// Records a response to a client.
  func answered(_ client: ClientKey, at now: Instant) { passiveCheck.withLock { $0.answered(client, at: now) } }

  func isSuspected(at now: Instant) -> Bool { now.nanoseconds < suspectedUntil.load(ordering: .relaxed) }

  /// When it last recovered after being down or in maintenance.
  var returned: Instant? {
    let nanoseconds = returnedAt.load(ordering: .relaxed)
    return nanoseconds == 0 ? nil : Instant(nanoseconds: nanoseconds)
  }

  /// Sets this instant; called before the state becomes up.
  func returned(at instant: Instant) { returnedAt.store(instant.nanoseconds, ordering: .relaxed) }

  /// Records a suspicion. True if the prober must be notified: it has no equal or worse one that it has not taken yet.
  func suspect(_ met: Suspicion) -> Bool {
    suspicion.max(met.rawValue, ordering: .acquiringAndReleasing).oldValue < met.rawValue
  }

  /// Takes the worst suspicion since the last call.
  func takeSuspicion() -> Suspicion {
    Suspicion(rawValue: suspicion.exchange(Suspicion.none.rawValue, ordering: .acquiringAndReleasing)) ?? .none
  }

  var checks: Checks { checked.withLock { $0 } }

  /// Records an attempt of a health check. One that could not be made says nothing of the server, and is not counted.
  func note(_ check: ServerCheck, _ certificate: CertificateFacts?, isMade: Bool, hasFailed: Bool) {
    checked.withLock { checks in
      checks.last = check
      checks.certificate = certificate
      if isMade { checks.completed &+= 1 }
      if hasFailed { checks.failed &+= 1 }
    }
  }

  /// The last check was made with other settings than the next ones: it no longer confirms the state. Returns it.
  func outdateCheck() -> ServerCheck? {
    checked.withLock { checks in
      checks.last?.count = 0
      checks.last?.needed = 1
      return checks.last
    }
  }

  /// Requests a slot for one exchange.
  func admit(_ request: WaitingRequest) -> Admission<WaitingRequest>.Answer {
    admission.withLock { $0.acquire(request, by: request.account) }
  }

  /// Releases a client's slot; returns the request that gets it. If there is one, `admitNext` may admit more.
  func leave(_ account: ConnectionLedger.Account) -> WaitingRequest? { admission.withLock { $0.release(by: account) } }

  /// The next request that gets a free slot; nil when no slot is free, or no waiting request may have it.
  func admitNext() -> WaitingRequest? { admission.withLock { $0.admitNext() } }

  /// Leaves the queue. False if a slot was granted meanwhile: its message is in the loop's inbox.
  @discardableResult
  func cancel(_ ticket: Admission<WaitingRequest>.Ticket) -> Bool { admission.withLock { $0.cancel(ticket) } }

  /// Removes a request from the queue that is to be rerouted.
  func dequeue() -> WaitingRequest? { admission.withLock { $0.dequeue() } }

  /// Applies changed settings; returns the requests that get a slot as a result.
  func adopt(_ settings: Configuration.Server, queue: Int) -> [WaitingRequest] {
    naming.withLock { $0 = Naming(settings) }
    return admission.withLock { admission in
      admission.limit = settings.connections
      admission.queueLimit = queue
      var admitted: [WaitingRequest] = []
      while let next = admission.admitNext() { admitted.append(next) }
      return admitted
    }
  }

  /// Number of active exchanges, and of waiting ones.
  var occupancy: (active: Int, waiting: Int) { admission.withLock { ($0.active, $0.waiting) } }

  /// Whether it has neither exchanges, active or waiting, nor flows of datagrams.
  var isEmpty: Bool { occupancy == (0, 0) && flowCount == 0 }

  /// Number of its flows of datagrams.
  var flowCount: Int { flows.load(ordering: .relaxed) }

  func flowBegan() { flows.add(1, ordering: .relaxed) }

  func flowEnded() { flows.subtract(1, ordering: .relaxed) }
}

/// What traffic indicates about a server, in order of severity.
enum Suspicion: UInt8 {
  case none
  /// A response is slow.
  case slow
  /// A failure, or a connection that is not established.
  case failing
}

/// A request that waits for a slot at a server, with its loop and its client's account.
struct WaitingRequest: Sendable {
  let loop: Int
  let key: RequestKey
  let account: ConnectionLedger.Account
}
