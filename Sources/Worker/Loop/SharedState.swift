import Balancing
import Configuration
import Domain
import Linux
import Logging
import WorkerProtocol
import Synchronization
import TLS
import Wire

/// The state shared by all loops during the worker's life, independent of snapshots: the loops' inboxes, the affinity
/// of clients, the servers by name and address, and the number of connections. Every property is atomic or has its own
/// lock, which is held for a few instructions.
final class SharedState: Sendable {
  /// The hash that replaces parts of queries in the access log, constant for the worker's life.
  let logHash: SecretHash
  private let boxes = Mutex<[Mailbox]>([])
  private let servers = Mutex(Servers())
  /// By the keys of `AdminSubject`.
  private let adminStates = Mutex<[String: AdminState]>([:])
  private let services = Mutex(Services())
  private let ledger: Mutex<ConnectionLedger>
  /// What clients have used of their rates.
  let rates: ClientRates
  private let connections: Occupancy
  private let serverConnections: Occupancy
  private let changes = Atomic<UInt64>(0)
  /// Until when responses are recorded for passive checks, in nanoseconds.
  private let watchedUntil = Atomic<UInt64>(0)
  private let snapshots = Atomic<Int>(0)
  /// Flows of datagrams.
  private let flows: Mutex<Flows>

  /// The configured servers, and removed servers that still have exchanges.
  private struct Servers {
    var known: [ServerIdentity: SharedServer] = [:]
    var named: Set<ServerIdentity> = []
    let slots = CounterSlots()
  }

  /// By the services' names.
  private struct Services {
    var known: [String: SharedService] = [:]
    var affinities: [String: AffinityStore] = [:]
    let slots = CounterSlots()
  }

  private struct Occupancy: ~Copyable, Sendable {
    let count = Atomic<Int>(0)
    /// The limit in force: the configured one, or what the process's descriptors allow.
    let limit: Atomic<Int>

    init(limit: Int) { self.limit = Atomic(limit) }
  }

  private struct Flows: ~Copyable {
    /// Confirmed flows by client: an unconfirmed one may have a forged address, whose owner it would lock out.
    var confirmed: ConnectionLedger
    var count = 0
    var limit: Int
  }

  init(_ configuration: Configuration) throws(TLSError) {
    logHash = try .random()
    rates = try ClientRates()
    let budget = DescriptorBudget(configuration)
    connections = Occupancy(limit: budget.connections)
    serverConnections = Occupancy(limit: budget.serverConnections)
    ledger = Mutex(ConnectionLedger(limitPerClient: configuration.limits.connectionsPerAddress))
    flows = Mutex(
      Flows(
        confirmed: ConnectionLedger(limitPerClient: configuration.limits.flowsPerAddress),
        limit: configuration.limits.flows))
  }

  /// Applies the limits, servers and administrative states of a new snapshot. Servers that are not in it are kept, with
  /// their states, until they are dropped.
  func adopt(_ snapshot: ConfigurationSnapshot, adminStates states: [String: AdminState]) {
    let limits = snapshot.configuration.limits
    let budget = DescriptorBudget(snapshot.configuration)
    connections.limit.store(budget.connections, ordering: .relaxed)
    serverConnections.limit.store(budget.serverConnections, ordering: .relaxed)
    ledger.withLock { $0.limitPerClient = limits.connectionsPerAddress }
    flows.withLock {
      $0.confirmed.limitPerClient = limits.flowsPerAddress
      $0.limit = limits.flows
    }
    for service in snapshot.services { service.backend.affinity.adopt(service.settings.affinity, snapshot.secrets) }
    services.withLock { services in
      services.affinities = Dictionary(
        snapshot.services.map { ($0.settings.name, $0.backend.affinity) }
      ) { first, _ in first }
      services.known = Dictionary(snapshot.services.map { ($0.settings.name, $0.shared) }) { first, _ in first }
      for (name, service) in services.known {
        service.isInMaintenance = states[AdminSubject.service(name).key]?.mode == .maintenance
      }
    }
    let all = snapshot.configuration.servers
    let earlier = servers.withLock { servers in
      let earlier = Set(servers.known.values.map(ObjectIdentifier.init))
      let inUse = Set(snapshot.servers.map(ObjectIdentifier.init))
      servers.named = Set(all.map(\.identity))
      servers.known = servers.known.filter { !inUse.contains(ObjectIdentifier($0.value)) }
      for (server, settings) in zip(snapshot.servers, all) { servers.known[settings.identity] = server }
      return earlier
    }
    let removed = Set(removedServers.map(\.name)).subtracting(all.map(\.fullName))
    adminStates.withLock { $0 = $0.filter { removed.contains($0.key) }.merging(states) { $1 } }
    for service in snapshot.services {
      for (server, settings) in zip(service.backend.servers, service.settings.servers) {
        for waiting in server.adopt(settings, queue: service.settings.limits.queue) {
          Backend.grant(waiting, server, self)
        }
      }
      service.backend.reweigh()
      assumeNewServersUp(in: service.backend, besides: earlier)
    }
  }

  // MARK: Loops

  /// By loop; the inbox of a loop that has ended is closed. Set by the main thread.
  var mailboxes: [Mailbox] {
    get { boxes.withLock { $0 } }
    set { boxes.withLock { $0 = newValue } }
  }

  /// The maximum of concurrent loops so far, including loops that have ended.
  var loopCount: Int { boxes.withLock { $0.count } }

  func mailbox(of loop: Int) -> Mailbox { boxes.withLock { $0[loop] } }

  /// Posts a message to every loop, including retiring ones.
  func post(_ message: LoopMessage) {
    for mailbox in mailboxes { mailbox.post(message) }
  }

  // MARK: Servers

  /// The servers of a configuration, in its order: existing ones, also if only their service's name has changed
  /// (`ServerName.renamed`), and new ones.
  func servers(of configuration: Configuration) -> [SharedServer] {
    servers.withLock { servers in
      var known = servers.known
      let renamed = ServerName.renamed(
        from: servers.named, to: Set(configuration.servers.map(\.identity)), alikeBy: \.shortened)
      for (former, identity) in renamed where known[identity] == nil { known[identity] = known[former] }
      return configuration.services.flatMap { service in
        service.servers.map {
          known[$0.identity] ?? SharedServer($0, queue: service.limits.queue, servers.slots.take())
        }
      }
    }
  }

  /// Servers that are not in the newest snapshot and have not been dropped yet.
  var removedServers: [SharedServer] {
    servers.withLock { servers in servers.known.filter { !servers.named.contains($0.key) }.map(\.value) }
  }

  /// Drops removed servers without exchanges, and returns them. Must be called when every loop has the newest snapshot:
  /// then no client can be routed to them.
  func dropEmptyServers() -> [SharedServer] {
    servers.withLock { servers in
      let dropped = servers.known.filter { !servers.named.contains($0.key) && $0.value.isEmpty }
      for identity in dropped.keys { servers.known[identity] = nil }
      return Array(dropped.values)
    }
  }

  /// The affinity of a service's clients: the existing one; else the one in the service's file, written by an earlier
  /// worker; else an empty one.
  func affinity(
    of service: Configuration.Service, _ secrets: PairSecrets?
  ) throws(ConfigurationSnapshotError) -> AffinityStore {
    if let known = services.withLock({ $0.affinities[service.name] }) { return known }
    let earlier = service.affinity.file.flatMap { AffinityFiles.read($0, Logger(label: "worker")) }
    do throws(TLSError) {
      return try AffinityStore(
        service.affinity, secrets, restoring: earlier, at: Clock.monotonic(), wall: Clock.wall())
    } catch {
      throw ConfigurationSnapshotError("\(error)")
    }
  }

  /// A service as shared by all snapshots: the existing one, or a new one.
  func service(of settings: Configuration.Service) -> SharedService {
    services.withLock { $0.known[settings.name] ?? SharedService($0.slots.take()) }
  }

  /// Sets an administrative state, if its server or service exists.
  func apply(_ state: AdminState, to key: String) {
    guard hasSubject(key) else { return }
    adminStates.withLock { $0[key] = state }
    guard case .service(let name) = AdminSubject(key: key) else { return }
    services.withLock { $0.known[name]?.isInMaintenance = state.mode == .maintenance }
  }

  /// Whether the newest snapshot has the server or service with this key.
  private func hasSubject(_ key: String) -> Bool {
    switch AdminSubject(key: key) {
    case .server(let name): servers.withLock { servers in servers.named.contains { $0.name == name } }
    case .service(let name): services.withLock { $0.known[name] != nil }
    }
  }

  /// A server's administrative state; nil if there is none.
  func adminState(of server: SharedServer) -> AdminState? { adminStates.withLock { $0[server.name] } }

  /// By the keys of `AdminSubject`; of a node of a pair, servers that are ready again too.
  var allAdminStates: [String: AdminState] { adminStates.withLock { $0 } }

  /// Whether another node's state of a server or service of the newest snapshot is later than the one here.
  func isLater(_ state: AdminState, of key: String) -> Bool {
    guard hasSubject(key) else { return false }
    return adminStates.withLock { $0[key].map { state.isLater(than: $0) } ?? true }
  }

  /// Assumes new servers to be up, unless an operator wants otherwise, if a reload leaves no other server that accepts
  /// clients: these would get 503 until the first health checks have ended.
  private func assumeNewServersUp(in backend: Backend, besides earlier: Set<ObjectIdentifier>) {
    guard !earlier.isEmpty, backend.acceptsNoNewClients else { return }
    for (index, server) in backend.servers.enumerated() where !earlier.contains(ObjectIdentifier(server)) {
      let state: ServerState =
        switch backend.adminState(of: index) {
        case .maintenance: .maintenance
        case .drain: .drain
        case nil: .up
        }
      backend.set(state, at: index)
    }
  }

  /// Changes whenever a server changes its state.
  var epoch: UInt64 { changes.load(ordering: .acquiring) }

  /// A request has failed at some server: its passive check needs the responses for a while (`PassiveCheck`).
  func watch(at now: Instant) { watchedUntil.store((now + PassiveCheck.window).nanoseconds, ordering: .relaxed) }

  func isWatching(at now: Instant) -> Bool { now.nanoseconds < watchedUntil.load(ordering: .relaxed) }

  func serverChanged() { changes.add(1, ordering: .acquiringAndReleasing) }

  // MARK: Snapshots

  /// The number of snapshots in memory: the newest, and those in use by a connection.
  var snapshotCount: Int { snapshots.load(ordering: .relaxed) }

  func snapshotBegan() { snapshots.add(1, ordering: .relaxed) }

  func snapshotEnded() { snapshots.subtract(1, ordering: .relaxed) }

  // MARK: Client connections

  var connectionCount: Int { connections.count.load(ordering: .relaxed) }

  /// The maximum of open connections since the previous call.
  func takeConnectionPeak() -> Int { ledger.withLock { $0.takePeak() } }

  /// The maximum of client connections: the lower of `limits: connections` and what the process's descriptors allow.
  var limitInForce: Int { connections.limit.load(ordering: .relaxed) }

  /// The initial capacity of each loop's slab: enough for all clients, which may all be in one loop. Unused slots take
  /// no memory, and growing the slab under load would copy it.
  var placesPerLoop: Int { min(limitInForce, 1 << 15) }

  var isFull: Bool { connectionCount >= limitInForce }

  var isOverfull: Bool { connectionCount > limitInForce }

  /// Opens the client's account; nil when it has reached its limit of connections.
  func connectionBegan(_ client: ClientKey, isProxy: Bool) -> ConnectionLedger.Account? {
    let account = ledger.withLock { $0.open(client, isProxy: isProxy) }
    if account != nil { connections.count.add(1, ordering: .relaxed) }
    return account
  }

  func connectionEnded(_ account: ConnectionLedger.Account) {
    ledger.withLock { $0.close(account) }
    connections.count.subtract(1, ordering: .relaxed)
  }

  /// Opens the account of a client behind a proxy, until `clientLeft`. `isAllowed`: it is within its limit.
  func clientCame(_ client: ClientKey) -> (account: ConnectionLedger.Account, isAllowed: Bool) {
    ledger.withLock { $0.enter(client) }
  }

  func clientLeft(_ account: ConnectionLedger.Account) { ledger.withLock { $0.leave(account) } }

  // MARK: Flows of datagrams

  var flowCount: Int { flows.withLock { $0.count } }

  /// Whether a flow of this client may begin: it is below its limit of confirmed ones. Counts it if so.
  func flowBegan(_ client: ClientKey) -> Bool {
    flows.withLock { flows in
      guard flows.confirmed.hasRoom(for: client) else { return false }
      flows.count += 1
      return true
    }
  }

  /// Whether there are more flows than the limit.
  var hasTooManyFlows: Bool { flows.withLock { $0.count > $0.limit } }

  /// The account of a flow whose client is confirmed; nil at the client's limit.
  func flowConfirmed(_ client: ClientKey) -> ConnectionLedger.Account? { flows.withLock { $0.confirmed.open(client) } }

  func flowEnded(_ account: ConnectionLedger.Account?) {
    flows.withLock { flows in
      flows.count -= 1
      if let account { flows.confirmed.close(account) }
    }
  }

  // MARK: Connections to servers

  /// The number of further connections to servers for which there are descriptors; negative when there are too many.
  var serverConnectionRoom: Int {
    serverConnections.limit.load(ordering: .relaxed) - serverConnections.count.load(ordering: .relaxed)
  }

  func serverConnectionBegan() { serverConnections.count.add(1, ordering: .relaxed) }

  func serverConnectionEnded() { serverConnections.count.subtract(1, ordering: .relaxed) }
}

extension ServerIdentity {
  /// The same without the service's name.
  fileprivate var shortened: ServerIdentity {
    ServerIdentity(name: String(ServerName.parts(of: name).name), endpoint: endpoint)
  }
}

extension DescriptorBudget {
  /// The current limits of this process.
  init(_ configuration: Configuration) {
    self.init(
      configuration, limit: CurrentProcess.openFileLimit, processors: CurrentProcess.processors)
  }
}
