import Balancing
import Configuration
import Domain
import Linux
import Synchronization
import Wire

/// A Connection Server as all snapshots know it, by its service, name and address: its state, and who has a place there.
final class SharedServer: Sendable {
  let place: ServerPlace
  let service: String
  /// By its name within the service: what clients are assigned to.
  let id: ServerID
  private let currentState = Atomic(ServerState.down.rawValue)
  /// When its slow start began, in nanoseconds; 0: it never came back.
  private let returnedAt = Atomic<UInt64>(0)
  /// What traffic met there since the prober looked last.
  private let suspicion = Atomic(Suspicion.none.rawValue)
  private let admission: Mutex<Admission<WaitingClient>>
  /// What clients meet there, and until when it makes the server suspected.
  private let passiveCheck = Mutex(PassiveCheck())
  private let suspectedUntil = Atomic<UInt64>(0)
  private let checked = Mutex<ServerCheck?>(nil)

  init(_ settings: Configuration.Server, queue: Int) {
    place = settings.place
    service = settings.service
    id = ServerID(name: settings.name)
    admission = Mutex(Admission(limit: settings.connections, queueLimit: queue))
  }

  /// As log, status and commands have it.
  var name: String { place.name }

  /// As the prober published it last; down before its first word.
  var state: ServerState { ServerState(rawValue: currentState.load(ordering: .acquiring)) ?? .down }

  /// Whether anybody at all is sent there.
  var takesClients: Bool { state == .up || state == .drain }

  /// Health checks decide again, whatever clients met.
  func become(_ state: ServerState) {
    suspectedUntil.store(0, ordering: .relaxed)
    passiveCheck.withLock { $0 = PassiveCheck() }
    currentState.store(state.rawValue, ordering: .releasing)
  }

  /// A client's request has failed. Answers with what makes the server suspected from now on, if it was not before.
  func failed(_ client: ClientKey, at now: Instant) -> PassiveCheck.Finding? {
    let isNews = !isSuspected(at: now)
    let finding = passiveCheck.withLock { $0.failed(client, at: now) }
    if finding != nil { suspectedUntil.store((now + PassiveCheck.pause).nanoseconds, ordering: .relaxed) }
    return isNews ? finding : nil
  }

  /// A client got an answer.
  func answered(_ client: ClientKey, at now: Instant) { passiveCheck.withLock { $0.answered(client, at: now) } }

  func isSuspected(at now: Instant) -> Bool { now.nanoseconds < suspectedUntil.load(ordering: .relaxed) }

  /// When it was up again after it had been down or in maintenance.
  var returned: Instant? {
    let nanoseconds = returnedAt.load(ordering: .relaxed)
    return nanoseconds == 0 ? nil : Instant(nanoseconds: nanoseconds)
  }

  /// Before it becomes up.
  func returned(at instant: Instant) { returnedAt.store(instant.nanoseconds, ordering: .relaxed) }

  /// Traffic met this. True if the prober is to be told: it was not told of as much before, or has looked since.
  func suspect(_ met: Suspicion) -> Bool {
    suspicion.max(met.rawValue, ordering: .acquiringAndReleasing).oldValue < met.rawValue
  }

  /// The worst that traffic met since this was asked last.
  func takeSuspicion() -> Suspicion {
    Suspicion(rawValue: suspicion.exchange(Suspicion.none.rawValue, ordering: .acquiringAndReleasing)) ?? .none
  }

  /// The last health check that is over; nil before the first.
  var lastCheck: ServerCheck? { checked.withLock { $0 } }

  func note(_ check: ServerCheck) { checked.withLock { $0 = check } }

  /// Asks for a place for one exchange.
  func admit(_ client: WaitingClient) -> Admission<WaitingClient>.Answer {
    admission.withLock { $0.acquire(client, by: client.account) }
  }

  /// Gives a client's place back; answers with who has it now. If anybody has, `admitNext` may have others.
  func leave(_ account: ConnectionLedger.Account) -> WaitingClient? { admission.withLock { $0.release(by: account) } }

  /// Who has got a free place besides; nil when there is none, or nobody who may have it.
  func admitNext() -> WaitingClient? { admission.withLock { $0.admitNext() } }

  /// Leaves the queue. False: a place was granted meanwhile, and its message is in the loop's inbox.
  @discardableResult
  func cancel(_ ticket: Admission<WaitingClient>.Ticket) -> Bool { admission.withLock { $0.cancel(ticket) } }

  /// Takes somebody out of the queue who is to look elsewhere.
  func dequeue() -> WaitingClient? { admission.withLock { $0.dequeue() } }

  /// Changes the limits; answers with those who have got a place by that.
  func limit(to places: Int, queue: Int) -> [WaitingClient] {
    admission.withLock { admission in
      admission.limit = places
      admission.queueLimit = queue
      var admitted: [WaitingClient] = []
      while let next = admission.admitNext() { admitted.append(next) }
      return admitted
    }
  }

  /// Exchanges here now, and waiting.
  var occupancy: (active: Int, waiting: Int) { admission.withLock { ($0.active, $0.waiting) } }

  /// Nobody is here, and nobody waits.
  var isEmpty: Bool { occupancy == (0, 0) }
}

/// What traffic met at a server, the worse the higher.
enum Suspicion: UInt8 {
  case none
  /// An answer is slow to come.
  case slow
  /// A failure, or a connection that does not come about.
  case failing
}

/// Who waits for a place at a server, in which loop, and on whose account.
struct WaitingClient: Sendable {
  let loop: Int
  let client: SlabKey
  let account: ConnectionLedger.Account
}
