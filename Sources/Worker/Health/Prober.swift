import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import Logging
import WorkerProtocol
import TLS
import Wire

/// Checks the servers' health and publishes the results; runs in the first loop.
///
/// A check is the whole exchange, from connecting to the last byte of the response, within the timeout: a server that
/// accepts connections and does not respond is down. Checks of one server overlap while its state is uncertain.
///
/// The loop's clients come first: a turn begins a bounded number of checks, and continues them for a bounded time.
struct Prober: ~Copyable {
  /// Maximum of checks that run at once and have not waited for their servers for long: more than 16 servers ever need.
  static let places = 64
  /// Maximum of checks that are begun in a turn, and of steps of checks.
  static let stepsPerTurn = 16
  /// Maximum time that clients wait for the first checks, when some server does not respond to its own, and for the
  /// tables of the pair's other nodes.
  static let firstChecksTimeout = Interval.seconds(1)

  private var servers: Slab<ServerHealth>
  /// The running checks.
  private var checks: Slab<HealthCheck>
  /// Keys of servers whose check is due.
  private var queue = CheckQueue<SlabKey>(places: Prober.places)
  /// Keys of checks that can continue, in this order.
  private var line: [SlabKey] = []
  /// Keys in `servers`, in the snapshot's order.
  private var keys: [SlabKey] = []
  /// Keys of servers removed by reloads that still have exchanges: they are checked as before, so that exchanges end
  /// when the server hangs.
  private var removed: [SlabKey] = []
  private var snapshot: ConfigurationSnapshot
  private let channel: ControlChannel
  private let log: Logger
  private var random: UInt64
  private let began: Instant
  private var isSettled = false
  /// Whether other nodes have yet to send what they know of clients.
  private var awaitsTables: Bool

  init(_ snapshot: ConfigurationSnapshot, channel: ControlChannel, log: Logger, at now: Instant) throws(TLSError) {
    self.snapshot = snapshot
    self.channel = channel
    self.log = log
    began = now
    awaitsTables = snapshot.configuration.pair != nil
    random = try RandomBytes.makeWord() | 1
    servers = Slab(capacity: max(1, snapshot.servers.count))
    checks = Slab(capacity: max(1, snapshot.servers.count))
    for (server, service) in snapshot.indexedServers {
      keys.append(servers.insert(ServerHealth(server, service, at: now)))
    }
  }

  /// Begins the first checks.
  mutating func start(_ context: inout LoopContext) {
    applyAndContinue(&context)
    context.timers.schedule(TimerKey(.firstChecks).rawValue, at: began + Prober.firstChecksTimeout)
  }

  /// Switches to another snapshot. A server with the same name, address and trust keeps its health, and its checks
  /// continue unless their settings have changed. A server that is no longer configured is checked as before until it
  /// is dropped.
  mutating func adopt(_ next: ConfigurationSnapshot, _ context: inout LoopContext) {
    var earlier = keys + removed
    keys = []
    for (server, service) in next.indexedServers {
      let shared = service.backend.servers[server]
      guard let index = earlier.firstIndex(where: { servers[$0].shared === shared }) else {
        keys.append(servers.insert(ServerHealth(server, service, at: context.now)))
        continue
      }
      keys.append(continueHealth(of: earlier.remove(at: index), as: server, of: service, &context))
    }
    removed = earlier
    snapshot = next
    applyAndContinue(&context)
  }

  /// Continues a server's health in another snapshot, where its service may have another name.
  private mutating func continueHealth(
    of key: SlabKey, as server: Int, of service: ServiceSnapshot, _ context: inout LoopContext
  ) -> SlabKey {
    let (former, identity) = (servers[key].identity, service.servers[server].identity)
    let known = servers[key].tracker.isKnown ? servers[key].tracker : nil
    let isSame = servers[key].isTrusted(like: service.servers[server])
    if former != identity, known != nil, isSame {
      let change = ServerChange(
        identity: identity, state: servers[key].shared.state, reason: "as known of \(former.name), its former name")
      channel.send(.serverChanged(change))
    }
    if servers[key].continueHealth(as: server, of: service) { return key }
    // Before the supervisor hears that the snapshot is in use: `wait` is for its own checks.
    if let check = servers[key].shared.outdateCheck() { channel.send(.serverCheck(check, of: identity)) }
    end(key, &context)
    return servers.insert(ServerHealth(server, service, continuing: isSame ? known : nil, at: context.now))
  }

  /// Drops a removed server that has no exchanges any more.
  mutating func drop(_ server: SharedServer, _ context: inout LoopContext) {
    guard let index = removed.firstIndex(where: { servers[$0].shared === server }) else { return }
    let key = removed.remove(at: index)
    // Clients that keep an earlier snapshot must not be sent there again either.
    servers[key].publish(.down)
    end(key, &context)
  }

  private mutating func end(_ key: SlabKey, _ context: inout LoopContext) {
    context.timers.cancel(TimerKey(.probe(key.index)).rawValue)
    for check in servers.remove(key).checks { remove(check, &context) }
  }

  private mutating func applyAndContinue(_ context: inout LoopContext) {
    for key in keys + removed { apply(key, at: context.now) }
    for key in keys + removed { timerFired(key, &context) }
  }

  /// Applies changed administrative states, and reports when they are in force.
  mutating func apply(upTo number: UInt64, _ context: inout LoopContext) {
    for key in keys + removed { apply(key, at: context.now) }
    channel.send(.applied(number: number))
  }

  private mutating func apply(_ key: SlabKey, at now: Instant) {
    if let transition = servers[key].apply(servers[key].wanted, at: now) { publish(transition, of: key) }
  }

  /// Handles an event on a check's socket.
  mutating func handle(_ key: SlabKey, _ readiness: Readiness, _ context: inout LoopContext) {
    guard checks.contains(key) else { return }
    checks[key].became(readiness)
    standInLine(key)
  }

  private mutating func standInLine(_ key: SlabKey) {
    guard !checks[key].isInLine else { return }
    checks[key].isInLine = true
    line.append(key)
  }

  /// Whether there is something to do without an event.
  var hasWork: Bool { !line.isEmpty || queue.isReady }

  /// Begins due checks, and continues those that can, within the limits of a turn.
  mutating func run(_ context: inout LoopContext, clock: () -> Instant) {
    guard hasWork else { return }
    let start = clock()
    let end = start + Loop.stepTime(after: start - context.now)
    for _ in 0..<Prober.stepsPerTurn {
      guard let key = queue.next() else { break }
      // It may have been removed while it waited.
      guard servers.contains(key) else { continue }
      servers[key].isQueued = false
      if context.now >= servers[key].schedule.due { begin(key, &context) }
      arm(key, &context)
    }
    let ready = line.prefix(Prober.stepsPerTurn)
    var done = 0
    for key in ready {
      done += 1
      guard checks.contains(key) else { continue }
      checks[key].isInLine = false
      proceed(key, &context)
      if clock() >= end { break }
    }
    line.removeFirst(done)
  }

  /// Handles a server's timer: a check is due, has waited for its server for long, or has timed out.
  mutating func timerFired(at index: UInt32, _ context: inout LoopContext) {
    if let key = servers.key(at: index) { timerFired(key, &context) }
  }

  private mutating func timerFired(_ key: SlabKey, _ context: inout LoopContext) {
    // What those in line have received is read first.
    for check in servers[key].checks where !checks[check].isInLine {
      if context.now >= checks[check].placeEnds { leavePlace(check) }
      guard checks[check].isOverdue(at: context.now) else { continue }
      conclude(check, .failed(.timeout(stage: checks[check].stage)), &context)
    }
    if context.now >= servers[key].schedule.due, !servers[key].isQueued {
      servers[key].isQueued = true
      queue.append(key)
    }
    arm(key, &context)
  }

  private mutating func begin(_ key: SlabKey, _ context: inout LoopContext) {
    servers[key].schedule.began(at: context.now)
    let check = checks.insert(HealthCheck(of: servers[key], owner: key, at: context.now))
    servers[key].checks.append(check)
    queue.begin()
    if let result = checks[check].begin(token: Token(.probe, check).rawValue, context.poller) {
      conclude(check, result, &context)
    }
  }

  /// Handles a suspicion raised by traffic to this server.
  mutating func suspect(_ server: SharedServer, _ context: inout LoopContext) {
    guard let key = (keys + removed).first(where: { servers[$0].shared === server }) else { return }
    switch server.takeSuspicion() {
    case .failing: servers[key].schedule.suspect(at: context.now)
    case .slow: servers[key].schedule.answerIsSlow(at: context.now)
    case .none: return
    }
    arm(key, &context)
  }

  /// The time limit for the first checks has passed.
  mutating func firstChecksOverdue(_ context: inout LoopContext) { publishReadiness(&context) }

  /// Continues a check. While it has data to process, its timer may not be handled, so its deadline is checked here.
  private mutating func proceed(_ key: SlabKey, _ context: inout LoopContext) {
    let owner = checks[key].owner
    let progress = checks[key].proceed(&context.buffers)
    if case .over(let result) = progress {
      conclude(key, result, &context)
    } else if checks[key].isOverdue(at: context.now) {
      conclude(key, .failed(.timeout(stage: checks[key].stage)), &context)
    } else if case .yields = progress {
      standInLine(key)
    }
    arm(owner, &context)
  }

  private mutating func conclude(_ key: SlabKey, _ result: CheckResult, _ context: inout LoopContext) {
    random ^= random << 13
    random ^= random >> 7
    random ^= random << 17
    let (owner, detail) = (checks[key].owner, checks[key].detail(of: result))
    let (began, status, certificate) = (checks[key].began, checks[key].status, checks[key].certificate)
    remove(key, &context)
    servers[owner].checks.removeAll { $0 == key }
    if result == .inconclusive {
      context.noteFailure(of: servers[owner].shared, .shortage, "not checked: \(detail ?? "no memory")")
    }
    let presence = servers[owner].tracker.presence
    if let transition = servers[owner].record(result, detail, began: began, at: context.now, random: random) {
      publish(transition, of: owner)
    }
    giveUpOutdated(owner, &context)
    let former = servers[owner].shared.checks.last?.certificate
    servers[owner].publish(result, status: status, took: context.now - began, certificate)
    if let certificate { compare(certificate, of: servers[owner].shared, former, &context) }
    if servers[owner].tracker.presence > presence { servers[owner].publish(servers[owner].tracker.presence) }
    settle(&context)
  }

  private mutating func remove(_ check: SlabKey, _ context: inout LoopContext) {
    leavePlace(check)
    checks.remove(check).end(&context.buffers)
  }

  private mutating func leavePlace(_ check: SlabKey) {
    guard checks[check].hasPlace else { return }
    checks[check].hasPlace = false
    queue.leave()
  }

  /// Ends the checks of a server whose results would be ignored.
  private mutating func giveUpOutdated(_ owner: SlabKey, _ context: inout LoopContext) {
    for check in servers[owner].checks where checks[check].began < servers[owner].tracker.answeredSince {
      remove(check, &context)
      servers[owner].checks.removeAll { $0 == check }
      servers[owner].schedule.gaveUp()
    }
  }

  /// Handles the end of waiting for other nodes.
  mutating func tablesReceived(_ context: inout LoopContext) {
    awaitsTables = false
    settle(&context)
  }

  /// Lets the loops accept once all is known.
  private mutating func settle(_ context: inout LoopContext) {
    guard !isSettled, !awaitsTables, keys.allSatisfy({ servers[$0].tracker.isKnown }) else { return }
    publishReadiness(&context)
  }

  /// Applies the transition to balancing, logs it and reports it to the supervisor.
  private func publish(_ transition: Transition, of key: SlabKey) {
    let server = servers[key].shared
    servers[key].publish(transition.to)
    let words = removed.contains(key) ? "\(server.name) (\(server.identity.endpoint), removed)" : server.name
    var metadata: Logger.Metadata = ["server": "\(server.name)", "state": "\(transition.to)"]
    if let detail = servers[key].detail, transition.to == .down { metadata["detail"] = "\(detail)" }
    log.log(level: transition.to == .down ? .warning : .notice, "server \(words) is \(transition)", metadata: metadata)
    channel.send(
      .serverChanged(
        ServerChange(identity: server.identity, state: transition.to, reason: "\(transition.reason)")))
  }

  private mutating func publishReadiness(_ context: inout LoopContext) {
    guard !isSettled else { return }
    isSettled = true
    context.sharedState.post(.serve)
    channel.send(.ready(number: snapshot.number))
  }

  private func arm(_ key: SlabKey, _ context: inout LoopContext) {
    var next = servers[key].isQueued ? .distantFuture : servers[key].schedule.due
    for check in servers[key].checks { next = min(next, checks[check].deadline, checks[check].placeEnds) }
    context.timers.schedule(TimerKey(.probe(key.index)).rawValue, at: next)
  }
}
