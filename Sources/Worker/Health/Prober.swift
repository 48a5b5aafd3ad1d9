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
  /// Of servers that reloads have removed, while something runs there: checked as before, so that it ends when they hang.
  private var removed: [SlabKey] = []
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
    obeyAndGoOn(&world)
    world.timers.schedule(TimerKey(.settling).rawValue, at: began + Prober.longestSettling)
  }

  /// Takes over another generation: what is known of a server that keeps its name, address and trust stays known, and its
  /// check goes on unless checks are made otherwise now. One that is not named any more is checked as before until it is
  /// dropped.
  mutating func adopt(_ next: Generation, _ world: inout World) {
    var earlier = keys + removed
    keys = []
    for (server, shared) in next.roster.servers.enumerated() {
      guard let place = earlier.firstIndex(where: { checks[$0].shared === shared }) else {
        keys.append(checks.insert(HealthCheck(server, next, at: world.now)))
        continue
      }
      let key = earlier.remove(at: place)
      if checks[key].goOn(as: server, of: next) {
        keys.append(key)
        continue
      }
      let isSame = checks[key].isTrusted(like: next.servers[server])
      let known = isSame && checks[key].tracker.isKnown ? checks[key].tracker : nil
      end(key, &world)
      keys.append(checks.insert(HealthCheck(server, next, continuing: known, at: world.now)))
    }
    removed = earlier
    generation = next
    obeyAndGoOn(&world)
  }

  /// Nothing runs any more at a server that was removed.
  mutating func drop(_ server: SharedServer, _ world: inout World) {
    guard let place = removed.firstIndex(where: { checks[$0].shared === server }) else { return }
    let key = removed.remove(at: place)
    // Clients that keep an earlier generation are not sent there again either.
    checks[key].publish(.down)
    end(key, &world)
  }

  private mutating func end(_ key: SlabKey, _ world: inout World) {
    world.timers.cancel(TimerKey(.probe(key.index)).rawValue)
    var check = checks.remove(key)
    check.abandon(&world.buffers)
  }

  private mutating func obeyAndGoOn(_ world: inout World) {
    for key in keys + removed { obey(key) }
    for key in keys + removed { timerFired(key, &world) }
  }

  /// Operators want something else of servers; says when it is in force.
  mutating func obey(upTo number: UInt64, _ world: inout World) {
    for key in keys + removed { obey(key) }
    channel.send(.obeyed(number: number))
  }

  private mutating func obey(_ key: SlabKey) {
    if let transition = checks[key].obey(checks[key].wanted) { publish(transition, of: key) }
  }

  /// An event on a check's socket.
  mutating func handle(_ key: SlabKey, _ readiness: Readiness, _ world: inout World) {
    guard checks.contains(key) else { return }
    checks[key].became(readiness)
    proceed(key, &world)
  }

  /// A check is due, or has taken too long.
  mutating func timerFired(at index: UInt32, _ world: inout World) {
    if let key = checks.key(at: index) { timerFired(key, &world) }
  }

  private mutating func timerFired(_ key: SlabKey, _ world: inout World) {
    guard world.now >= checks[key].schedule.deadline else { return arm(key, &world) }
    if checks[key].schedule.isRunning { return conclude(key, .failed(.timeout(stage: checks[key].stage)), &world) }
    if let result = checks[key].begin(token: Token(.probe, key).rawValue, &world) {
      return conclude(key, result, &world)
    }
    proceed(key, &world)
  }

  /// Traffic met a failure at this server.
  mutating func suspect(_ server: SharedServer, _ world: inout World) {
    guard let key = (keys + removed).first(where: { checks[$0].shared === server }) else { return }
    checks[key].schedule.liveFailure(at: world.now)
    arm(key, &world)
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
      world.noteFailure(of: checks[key].shared, .shortage, "not checked: \(detail)")
    }
    if let transition = checks[key].end(with: result, at: world.now, random: random, &world.buffers) {
      publish(transition, of: key)
    }
    if checks[key].tracker.isSilent, !wasSilent { checks[key].publishLoss() }
    arm(key, &world)
    if !isSettled, keys.allSatisfy({ checks[$0].tracker.isKnown }) { settle(&world) }
  }

  /// Has it balanced by, logged and told to the supervisor.
  private func publish(_ transition: Transition, of key: SlabKey) {
    let server = checks[key].shared
    checks[key].publish(transition.to)
    let words = removed.contains(key) ? "\(server.name) (\(server.place.endpoint), removed)" : server.name
    var metadata: Logger.Metadata = ["server": "\(server.name)", "state": "\(transition.to)"]
    if let detail = checks[key].detail, transition.to == .down { metadata["detail"] = "\(detail)" }
    log.log(level: transition.to == .down ? .warning : .notice, "server \(words) is \(transition)", metadata: metadata)
    channel.send(
      .serverChanged(
        ServerChange(
          name: server.name, endpoint: server.place.endpoint, state: .init(transition.to),
          reason: "\(transition.reason)")))
  }

  /// Every server's state is known, or has been waited for long enough: the loops may accept.
  private mutating func settle(_ world: inout World) {
    guard !isSettled else { return }
    isSettled = true
    world.fleet.post(.serve)
    channel.send(.ready(generation: generation.number))
  }

  private func arm(_ key: SlabKey, _ world: inout World) {
    world.timers.schedule(TimerKey(.probe(key.index)).rawValue, at: checks[key].schedule.deadline)
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
