import Balancing
import Configuration
import Domain
import Linux
import Logging
import WorkerProtocol
import Synchronization
import TLS
import Wire

/// What all loops share for as long as the worker lives, whatever snapshot their connections belong to: the way to
/// each other, the clients' servers, the servers by name and address, and how many connections are open. Everything here is an
/// atomic or under a lock of its own, held for a few instructions.
final class SharedState: Sendable {
  /// What the access log tells parts of queries apart by, as long as the worker lives.
  let logHash: SecretHash
  private let boxes = Mutex<[Mailbox]>([])
  private let servers = Mutex(Servers())
  /// By the servers' full names.
  private let adminStates: Mutex<[String: AdminState]>
  /// By the services' names.
  private let affinities = Mutex<[String: AffinityStore]>([:])
  private let ledger: Mutex<ConnectionLedger>
  private let connections = Atomic<Int>(0)
  /// The limit in force: what is configured, or what the process's descriptors allow.
  private let connectionLimit: Atomic<Int>
  private let serverConnections = Atomic<Int>(0)
  private let serverConnectionLimit: Atomic<Int>
  private let changes = Atomic<UInt64>(0)
  /// Until when answers are noted, in nanoseconds.
  private let watchedUntil = Atomic<UInt64>(0)
  private let snapshots = Atomic<Int>(0)

  /// The servers that are named, and those that are not any more while something runs there.
  private struct Servers {
    var known: [ServerPlace: SharedServer] = [:]
    var named: Set<ServerPlace> = []
  }

  /// `adminStates` are what operators want of servers.
  init(_ configuration: Configuration, adminStates: [String: AdminState] = [:]) throws(TLSError) {
    self.adminStates = Mutex(adminStates)
    logHash = SecretHash(seed: try RandomBytes.makeWord(), try RandomBytes.makeWord())
    let budget = DescriptorBudget(configuration)
    connectionLimit = Atomic(budget.connections)
    serverConnectionLimit = Atomic(budget.serverConnections)
    ledger = Mutex(ConnectionLedger(limitPerClient: configuration.limits.connectionsPerAddress))
  }

  /// Takes over what a new snapshot has changed of the limits, and the servers that it names. Those that it does not
  /// name stay known until they are dropped.
  func adopt(_ snapshot: ConfigurationSnapshot) {
    let limits = snapshot.configuration.limits
    let budget = DescriptorBudget(snapshot.configuration)
    connectionLimit.store(budget.connections, ordering: .relaxed)
    serverConnectionLimit.store(budget.serverConnections, ordering: .relaxed)
    ledger.withLock { $0.limitPerClient = limits.connectionsPerAddress }
    for service in snapshot.services { service.backend.affinity.adopt(service.settings.affinity) }
    affinities.withLock { affinities in
      affinities = Dictionary(snapshot.services.map { ($0.settings.name, $0.backend.affinity) }) { first, _ in first }
    }
    let earlier = servers.withLock { servers in
      let earlier = Set(servers.known.keys)
      servers.named = Set(snapshot.servers.map(\.place))
      for server in snapshot.servers { servers.known[server.place] = server }
      return earlier
    }
    let names = Set(snapshot.servers.map(\.name))
    adminStates.withLock { adminStates in adminStates = adminStates.filter { names.contains($0.key) } }
    for service in snapshot.services {
      assumeNewServersUp(in: service.backend, besides: earlier)
      for (server, settings) in zip(service.backend.servers, service.settings.servers) {
        for waiting in server.limit(to: settings.connections, queue: service.settings.limits.queue) {
          Backend.grant(waiting, server, self)
        }
      }
    }
  }

  // MARK: loops

  /// By loop; that of a loop that has ended is closed. Set by the main thread.
  var mailboxes: [Mailbox] {
    get { boxes.withLock { $0 } }
    set { boxes.withLock { $0 = newValue } }
  }

  /// Loops that there were at once; one that has ended is counted still.
  var loopCount: Int { boxes.withLock { $0.count } }

  func mailbox(of loop: Int) -> Mailbox { boxes.withLock { $0[loop] } }

  /// Tells every loop, those too that only finish what they have.
  func post(_ message: LoopMessage) {
    for mailbox in mailboxes { mailbox.post(message) }
  }

  // MARK: servers

  /// The server of this name and address, as earlier snapshots knew it, or a new one.
  func server(_ settings: Configuration.Server, queue: Int) -> SharedServer {
    servers.withLock { $0.known[settings.place] } ?? SharedServer(settings, queue: queue)
  }

  /// Servers that the newest snapshot does not name, and where something runs or ran a moment ago.
  var removedServers: [SharedServer] {
    servers.withLock { servers in servers.known.values.filter { !servers.named.contains($0.place) } }
  }

  /// Forgets removed servers where nothing runs any more, and answers with them. To be called when every loop has the
  /// newest snapshot: then nobody can be sent there.
  func dropEmptyServers() -> [SharedServer] {
    servers.withLock { servers in
      let dropped = servers.known.values.filter { !servers.named.contains($0.place) && $0.isEmpty }
      for server in dropped { servers.known[server.place] = nil }
      return dropped
    }
  }

  /// The assignments of a service's clients, as earlier snapshots knew them; else those that an earlier worker has left in
  /// the service's file, or none.
  func affinity(of service: Configuration.Service) throws(ConfigurationSnapshotError) -> AffinityStore {
    if let known = affinities.withLock({ $0[service.name] }) { return known }
    let earlier = service.affinity.file.flatMap { AffinityFiles.read($0, Logger(label: "worker")) }
    do throws(TLSError) {
      return try AffinityStore(service.affinity, restoring: earlier, at: Clock.monotonic(), wall: Clock.wall())
    } catch {
      throw ConfigurationSnapshotError("\(error)")
    }
  }

  /// What an operator wants of the server now, if it is one of ours.
  func apply(_ state: AdminState, to name: String) {
    guard servers.withLock({ servers in servers.named.contains { $0.name == name } }) else { return }
    adminStates.withLock { $0[name] = state }
  }

  /// What an operator wants of a server; nil: nothing.
  func adminState(of server: SharedServer) -> AdminState? { adminStates.withLock { $0[server.name] } }

  /// A reload that leaves no server that is known to take clients would answer them with 503 until the first health
  /// checks are in: the servers that it brings are believed to be up until then.
  private func assumeNewServersUp(in backend: Backend, besides earlier: Set<ServerPlace>) {
    guard !earlier.isEmpty, backend.takesNobodyNew else { return }
    for (index, server) in backend.servers.enumerated() where !earlier.contains(server.place) {
      backend.set(.up, at: index)
    }
  }

  /// Changes whenever a server changes its state.
  var epoch: UInt64 { changes.load(ordering: .acquiring) }

  /// A request has failed at some server: answers are of interest to it for a while (`PassiveCheck`).
  func watch(at now: Instant) { watchedUntil.store((now + PassiveCheck.window).nanoseconds, ordering: .relaxed) }

  func isWatching(at now: Instant) -> Bool { now.nanoseconds < watchedUntil.load(ordering: .relaxed) }

  func serverChanged() { changes.add(1, ordering: .acquiringAndReleasing) }

  // MARK: snapshots

  /// Snapshots in memory: the newest, and those that some connection keeps.
  var snapshotCount: Int { snapshots.load(ordering: .relaxed) }

  func snapshotBegan() { snapshots.add(1, ordering: .relaxed) }

  func snapshotEnded() { snapshots.subtract(1, ordering: .relaxed) }

  // MARK: connections

  var connectionCount: Int { connections.load(ordering: .relaxed) }

  /// The most connections that were open at once since the call before.
  func takeConnectionPeak() -> Int { ledger.withLock { $0.takePeak() } }

  /// How many connections of clients are accepted at once: the least of `limits: connections` and what the process's
  /// descriptors allow.
  var limitInForce: Int { connectionLimit.load(ordering: .relaxed) }

  /// How many connections a loop has places for from the start: enough for all clients, who may all come to one loop.
  /// A place that was never used takes no memory, and making more in the middle of a crowd copies them all meanwhile.
  var placesPerLoop: Int { min(limitInForce, 1 << 15) }

  var isFull: Bool { connectionCount >= limitInForce }

  var isOverfull: Bool { connectionCount > limitInForce }

  /// Answers with the client's account; nil when it has as many connections as one may have.
  func connectionBegan(_ client: ClientKey, isProxy: Bool) -> ConnectionLedger.Account? {
    let account = ledger.withLock { $0.open(client, isProxy: isProxy) }
    if account != nil { connections.add(1, ordering: .relaxed) }
    return account
  }

  func connectionEnded(_ account: ConnectionLedger.Account) {
    ledger.withLock { $0.close(account) }
    connections.subtract(1, ordering: .relaxed)
  }

  /// Counts what a proxy's connection carries for its client, until `clientLeft`. `isAllowed`: it has no more than it may.
  func clientCame(_ client: ClientKey) -> (account: ConnectionLedger.Account, isAllowed: Bool) {
    ledger.withLock { $0.enter(client) }
  }

  func clientLeft(_ account: ConnectionLedger.Account) { ledger.withLock { $0.leave(account) } }

  // MARK: connections to servers

  /// How many more there are descriptors for beside the clients'; negative when there are too many.
  var serverConnectionRoom: Int {
    serverConnectionLimit.load(ordering: .relaxed) - serverConnections.load(ordering: .relaxed)
  }

  func serverConnectionBegan() { serverConnections.add(1, ordering: .relaxed) }

  func serverConnectionEnded() { serverConnections.subtract(1, ordering: .relaxed) }
}

extension DescriptorBudget {
  /// Of this process, as it is limited now.
  init(_ configuration: Configuration) {
    self.init(
      configuration, limit: CurrentProcess.openFileLimit, processors: CurrentProcess.processors)
  }
}
