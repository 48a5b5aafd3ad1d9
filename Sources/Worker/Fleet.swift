import Balancing
import Configuration
import Linux
import Roles
import Synchronization
import TLS
import Wire

/// What all loops share: which servers can be used, which client is at home where, who has a place at which server,
/// and how many connections are open. Everything here is an atomic or under a lock of its own, held for a few
/// instructions.
final class Fleet: Sendable {
  /// A client's session in the affinity table, and the server it is at.
  struct Session {
    let server: Int
    fileprivate let shard: Int
    fileprivate let ticket: AffinityTable.Session
  }

  /// Locks against each other as few loops as there are shards.
  private static let shardCount = 16

  let mailboxes: [Mailbox]
  private let router: Router
  private let servers: [Balancing.Server]
  private let takesNew = Atomic<UInt64>(0)
  private let takesKnown = Atomic<UInt64>(0)
  private let changes = Atomic<UInt64>(0)
  private let availability = Mutex(Availability())
  private let shards: [Shard]
  private let shardHash: ClientHash
  private let gates: [Gate]
  private let ledger: Mutex<ConnectionLedger>
  private let connections = Atomic<Int>(0)
  private let connectionLimit: Int

  private final class Shard: Sendable {
    let table: Mutex<AffinityTable>

    init(_ table: consuming sending AffinityTable) { self.table = Mutex(table) }
  }

  private final class Gate: Sendable {
    let admission: Mutex<Admission<WaitingClient>>

    init(limit: Int, queueLimit: Int) { admission = Mutex(Admission(limit: limit, queueLimit: queueLimit)) }
  }

  init(_ configuration: Configuration, router: Router, mailboxes: [Mailbox]) throws(TLSError) {
    self.mailboxes = mailboxes
    self.router = router
    servers = configuration.servers.map(Balancing.Server.init)
    let affinity = configuration.affinity
    let capacity = max(1, affinity.entries / Fleet.shardCount)
    let hash = ClientHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
    shardHash = ClientHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
    shards = (0..<Fleet.shardCount).map { _ in
      Shard(AffinityTable(capacity: capacity, hold: affinity.hold, hash: hash))
    }
    gates = configuration.servers.map { Gate(limit: $0.connections, queueLimit: configuration.limits.queue) }
    connectionLimit = configuration.limits.connections
    ledger = Mutex(
      ConnectionLedger(limit: connectionLimit, limitPerClient: configuration.limits.connectionsPerAddress))
  }

  // MARK: servers

  /// Changes whenever a server changes its state: what was chosen before may not hold any more.
  var epoch: UInt64 { changes.load(ordering: .acquiring) }

  /// Publishes a server's state. Down: whoever waits for a place there is sent on, and idle connections are closed.
  func set(_ state: ServerState, at server: Int) {
    availability.withLock { availability in
      availability.set(state, at: server)
      takesNew.store(availability.takesNew.bits, ordering: .releasing)
      takesKnown.store(availability.takesKnown.bits, ordering: .releasing)
    }
    changes.add(1, ordering: .releasing)
    guard state == .down else { return }
    for mailbox in mailboxes { mailbox.post(.serverDown(server)) }
    while let waiting = gates[server].admission.withLock({ $0.dequeue() }) {
      mailboxes[waiting.loop].post(.rerouted(waiting.client))
    }
  }

  /// Traffic met a failure there; the first loop's prober looks at once.
  func suspect(_ server: Int) { mailboxes[0].post(.suspect(server)) }

  /// The server for a client, nil when none can take it.
  func route(_ client: ClientKey, tried: ServerSet, at now: Instant) -> Int? {
    let known = shards[shard(of: client)].table.withLock { $0.lookup(client, at: now) }
    return router.route(client, known: known, availability: current, tried: tried)
  }

  /// No server is left that was not tried.
  func isExhausted(_ tried: ServerSet) -> Bool { current.takesKnown.subtracting(tried).isEmpty }

  private var current: Availability {
    Availability(
      takesNew: ServerSet(bits: takesNew.load(ordering: .acquiring)),
      takesKnown: ServerSet(bits: takesKnown.load(ordering: .acquiring)))
  }

  // MARK: sessions

  func sessionBegan(_ client: ClientKey, on server: Int, at now: Instant) -> Session {
    let shard = shard(of: client)
    let ticket = shards[shard].table.withLock { $0.sessionBegan(client, on: servers[server].id, at: now) }
    return Session(server: server, shard: shard, ticket: ticket)
  }

  func sessionEnded(_ session: Session, at now: Instant) {
    shards[session.shard].table.withLock { $0.sessionEnded(session.ticket, at: now) }
  }

  private func shard(of client: ClientKey) -> Int {
    Int(truncatingIfNeeded: shardHash(client) % UInt64(Fleet.shardCount))
  }

  // MARK: places at servers

  func admit(to server: Int, _ client: WaitingClient) -> Admission<WaitingClient>.Answer {
    gates[server].admission.withLock { $0.acquire(client) }
  }

  /// Gives a place back, and tells whom it goes to.
  func leave(_ server: Int) {
    guard let next = gates[server].admission.withLock({ $0.release() }) else { return }
    mailboxes[next.loop].post(.granted(next.client, server: server))
  }

  /// Leaves the queue. False: a place has been granted meanwhile, and the letter that says so is under way.
  @discardableResult
  func cancel(_ server: Int, _ ticket: Admission<WaitingClient>.Ticket) -> Bool {
    gates[server].admission.withLock { $0.cancel(ticket) }
  }

  /// Exchanges at a server now, and waiting for it.
  func occupancy(of server: Int) -> (active: Int, waiting: Int) {
    gates[server].admission.withLock { ($0.active, $0.waiting) }
  }

  // MARK: connections

  var connectionCount: Int { connections.load(ordering: .relaxed) }

  var isFull: Bool { connectionCount >= connectionLimit }

  /// False when the connection would break a limit.
  func connectionBegan(_ client: ClientKey) -> Bool {
    guard ledger.withLock({ $0.open(client) }) == nil else { return false }
    connections.add(1, ordering: .relaxed)
    return true
  }

  func connectionEnded(_ client: ClientKey) {
    ledger.withLock { $0.close(client) }
    connections.subtract(1, ordering: .relaxed)
  }
}

/// Who waits for a place at a server, and in which loop.
struct WaitingClient: Sendable {
  let loop: Int
  let client: SlabKey
}
