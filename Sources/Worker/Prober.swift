import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import Roles
import TLS
import Wire

/// Checks the servers' health and publishes what it finds; runs in the first loop.
///
/// A check is the whole exchange, from the connection to the last byte of the answer, within the time-out: a server
/// that accepts and then hangs is down.
struct Prober: ~Copyable {
  /// When some server never answers its first check, clients wait no longer than this for the others.
  static let longestSettling = Interval.seconds(1)

  private var checks: Slab<HealthCheck>
  /// By server index.
  private var keys: [SlabKey] = []
  private var generation: Generation
  private let channel: ControlChannel
  private let log: Logger
  private var random: UInt64
  private let began: Instant
  private var isSettled = false

  init(_ generation: Generation, channel: ControlChannel, log: Logger, at now: Instant) throws(TLSError) {
    self.generation = generation
    self.channel = channel
    self.log = log
    began = now
    random = try RandomBytes.makeWord() | 1
    checks = Slab(capacity: max(1, generation.servers.count))
    for server in generation.servers.indices { keys.append(checks.insert(HealthCheck(server, generation, at: now))) }
  }

  /// Begins the first checks.
  mutating func start(_ world: inout World) {
    for server in keys.indices { obey(server, &world) }
    for server in keys.indices { timerFired(server, &world) }
    world.timers.schedule(TimerKey(.settling).rawValue, at: began + Prober.longestSettling)
  }

  /// Takes over another generation: what is known of a server that keeps its name, address and trust stays known,
  /// and its check goes on unless checks are made otherwise now.
  mutating func adopt(_ next: Generation, _ world: inout World) {
    var earlier: [String: SlabKey] = [:]
    for (server, key) in keys.enumerated() {
      world.timers.cancel(TimerKey(.probe(server)).rawValue)
      earlier[generation.servers[server].name] = key
    }
    keys = []
    for (server, upstream) in next.servers.enumerated() {
      guard let key = earlier[upstream.name] else {
        keys.append(checks.insert(HealthCheck(server, next, at: world.now)))
        continue
      }
      if checks[key].goOn(as: server, of: next) {
        earlier[upstream.name] = nil
        keys.append(key)
        continue
      }
      let former = generation.servers[checks[key].server]
      let isSame =
        former.endpoint == upstream.endpoint && former.security.context.hasSameTrust(as: upstream.security.context)
      let known = isSame && checks[key].tracker.isKnown ? checks[key].tracker : nil
      keys.append(checks.insert(HealthCheck(server, next, continuing: known, at: world.now)))
    }
    for key in earlier.values {
      var check = checks.remove(key)
      check.abandon(&world.buffers)
    }
    generation = next
    for server in keys.indices { obey(server, &world) }
    for server in keys.indices { timerFired(server, &world) }
  }

  /// Operators want something else of servers; says when it is in force.
  mutating func obey(upTo number: UInt64, _ world: inout World) {
    for server in keys.indices { obey(server, &world) }
    channel.send(.obeyed(number: number))
  }

  private mutating func obey(_ server: Int, _ world: inout World) {
    if let transition = checks[keys[server]].obey(generation.roster.order(of: server)) {
      publish(transition, of: keys[server])
    }
  }

  /// An event on a check's socket.
  mutating func handle(_ key: SlabKey, _ readiness: Readiness, _ world: inout World) {
    guard checks.contains(key) else { return }
    checks[key].became(readiness)
    proceed(key, &world)
  }

  /// A check is due, or has taken too long.
  mutating func timerFired(_ server: Int, _ world: inout World) {
    let key = keys[server]
    guard world.now >= checks[key].schedule.deadline else { return arm(key, &world) }
    if checks[key].schedule.isRunning { return conclude(key, .failed(.timeout(stage: checks[key].stage)), &world) }
    if let result = checks[key].begin(token: Token(.probe, key).rawValue, &world) {
      return conclude(key, result, &world)
    }
    proceed(key, &world)
  }

  /// Traffic met a failure at this server.
  mutating func suspect(_ server: Int, _ world: inout World) {
    checks[keys[server]].schedule.liveFailure(at: world.now)
    arm(keys[server], &world)
  }

  /// The bound on waiting for first checks has passed.
  mutating func settlingEnded(_ world: inout World) { settle(&world) }

  /// Checks that gave way go on where they were.
  mutating func runLeftovers(_ world: inout World) {
    let leftovers = world.runnableChecks
    world.runnableChecks.removeAll(keepingCapacity: true)
    for key in leftovers where checks.contains(key) && checks[key].schedule.isRunning { proceed(key, &world) }
  }

  /// What a check does may keep its timer from being looked at: its deadline is looked at here as well.
  private mutating func proceed(_ key: SlabKey, _ world: inout World) {
    let progress = checks[key].proceed(&world.buffers)
    if case .over(let result) = progress { return conclude(key, result, &world) }
    if checks[key].schedule.isRunning, world.now >= checks[key].schedule.deadline {
      return conclude(key, .failed(.timeout(stage: checks[key].stage)), &world)
    }
    if case .yields = progress, !world.runnableChecks.contains(key) { world.runnableChecks.append(key) }
    arm(key, &world)
  }

  private mutating func conclude(_ key: SlabKey, _ result: CheckResult, _ world: inout World) {
    random ^= random << 13
    random ^= random >> 7
    random ^= random << 17
    let wasSilent = checks[key].tracker.isSilent
    if result == .inconclusive {
      let detail = checks[key].detail ?? "no memory"
      world.noteFailure(of: generation.roster.servers[checks[key].server], .shortage, "not checked: \(detail)")
    }
    if let transition = checks[key].end(with: result, at: world.now, random: random, &world.buffers) {
      publish(transition, of: key)
    }
    if checks[key].tracker.isSilent, !wasSilent { generation.roster.lose(checks[key].server) }
    arm(key, &world)
    if !isSettled, keys.allSatisfy({ checks[$0].tracker.isKnown }) { settle(&world) }
  }

  /// Has it balanced by, logged and told to the supervisor.
  private func publish(_ transition: Transition, of key: SlabKey) {
    let server = checks[key].server
    let name = generation.servers[server].name
    generation.roster.set(transition.to, at: server)
    var metadata: Logger.Metadata = ["server": "\(name)", "state": "\(transition.to)"]
    if let detail = checks[key].detail, transition.to == .down { metadata["detail"] = "\(detail)" }
    log.log(level: transition.to == .down ? .warning : .notice, "server \(name) is \(transition)", metadata: metadata)
    channel.send(.serverChanged(ServerChange(name: name, state: .init(transition.to), reason: "\(transition.reason)")))
  }

  /// Every server's state is known, or has been waited for long enough: the loops may accept.
  private mutating func settle(_ world: inout World) {
    guard !isSettled else { return }
    isSettled = true
    world.fleet.post(.serve)
    channel.send(.ready(generation: generation.number))
  }

  private func arm(_ key: SlabKey, _ world: inout World) {
    world.timers.schedule(TimerKey(.probe(checks[key].server)).rawValue, at: checks[key].schedule.deadline)
  }
}

extension ServerChange.State {
  init(_ state: ServerState) {
    switch state {
    case .up: self = .up
    case .drain: self = .drain
    case .maintenance: self = .maintenance
    case .down: self = .down
    }
  }
}
