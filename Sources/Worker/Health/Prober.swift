import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import WorkerProtocol
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
  private var snapshot: ConfigurationSnapshot
  private let channel: ControlChannel
  private let log: Logger
  private var random: UInt64
  private let began: Instant
  private var isSettled = false

  init(_ snapshot: ConfigurationSnapshot, channel: ControlChannel, log: Logger, at now: Instant) throws(TLSError) {
    self.snapshot = snapshot
    self.channel = channel
    self.log = log
    began = now
    random = try RandomBytes.makeWord() | 1
    checks = Slab(capacity: max(1, snapshot.servers.count))
    for server in snapshot.servers.indices { keys.append(checks.insert(HealthCheck(server, snapshot, at: now))) }
  }

  /// Begins the first checks.
  mutating func start(_ context: inout LoopContext) {
    obeyAndGoOn(&context)
    context.timers.schedule(TimerKey(.settling).rawValue, at: began + Prober.longestSettling)
  }

  /// Takes over another snapshot: what is known of a server that keeps its name, address and trust stays known, and its
  /// check goes on unless checks are made otherwise now. One that is not named any more is checked as before until it is
  /// dropped.
  mutating func adopt(_ next: ConfigurationSnapshot, _ context: inout LoopContext) {
    var earlier = keys + removed
    keys = []
    for (server, shared) in next.backend.servers.enumerated() {
      guard let place = earlier.firstIndex(where: { checks[$0].shared === shared }) else {
        keys.append(checks.insert(HealthCheck(server, next, at: context.now)))
        continue
      }
      let key = earlier.remove(at: place)
      if checks[key].goOn(as: server, of: next) {
        keys.append(key)
        continue
      }
      let isSame = checks[key].isTrusted(like: next.servers[server])
      let known = isSame && checks[key].tracker.isKnown ? checks[key].tracker : nil
      end(key, &context)
      keys.append(checks.insert(HealthCheck(server, next, continuing: known, at: context.now)))
    }
    removed = earlier
    snapshot = next
    obeyAndGoOn(&context)
  }

  /// Nothing runs any more at a server that was removed.
  mutating func drop(_ server: SharedServer, _ context: inout LoopContext) {
    guard let place = removed.firstIndex(where: { checks[$0].shared === server }) else { return }
    let key = removed.remove(at: place)
    // Clients that keep an earlier snapshot are not sent there again either.
    checks[key].publish(.down)
    end(key, &context)
  }

  private mutating func end(_ key: SlabKey, _ context: inout LoopContext) {
    context.timers.cancel(TimerKey(.probe(key.index)).rawValue)
    var check = checks.remove(key)
    check.abandon(&context.buffers)
  }

  private mutating func obeyAndGoOn(_ context: inout LoopContext) {
    for key in keys + removed { apply(key) }
    for key in keys + removed { timerFired(key, &context) }
  }

  /// Operators want something else of servers; says when it is in force.
  mutating func apply(upTo number: UInt64, _ context: inout LoopContext) {
    for key in keys + removed { apply(key) }
    channel.send(.applied(number: number))
  }

  private mutating func apply(_ key: SlabKey) {
    if let transition = checks[key].apply(checks[key].wanted) { publish(transition, of: key) }
  }

  /// An event on a check's socket.
  mutating func handle(_ key: SlabKey, _ readiness: Readiness, _ context: inout LoopContext) {
    guard checks.contains(key) else { return }
    checks[key].became(readiness)
    proceed(key, &context)
  }

  /// A check is due, or has taken too long.
  mutating func timerFired(at index: UInt32, _ context: inout LoopContext) {
    if let key = checks.key(at: index) { timerFired(key, &context) }
  }

  private mutating func timerFired(_ key: SlabKey, _ context: inout LoopContext) {
    guard context.now >= checks[key].schedule.deadline else { return arm(key, &context) }
    if checks[key].schedule.isRunning { return conclude(key, .failed(.timeout(stage: checks[key].stage)), &context) }
    if let result = checks[key].begin(token: Token(.probe, key).rawValue, &context) {
      return conclude(key, result, &context)
    }
    proceed(key, &context)
  }

  /// Traffic met a failure at this server.
  mutating func suspect(_ server: SharedServer, _ context: inout LoopContext) {
    guard let key = (keys + removed).first(where: { checks[$0].shared === server }) else { return }
    checks[key].schedule.liveFailure(at: context.now)
    arm(key, &context)
  }

  /// The bound on waiting for first checks has passed.
  mutating func settlingEnded(_ context: inout LoopContext) { publishReadiness(&context) }

  /// Checks that gave way go on where they were.
  mutating func runLeftovers(_ context: inout LoopContext) {
    let leftovers = context.runnableChecks
    context.runnableChecks.removeAll(keepingCapacity: true)
    for key in leftovers where checks.contains(key) && checks[key].schedule.isRunning { proceed(key, &context) }
  }

  /// What a check does may keep its timer from being looked at: its deadline is looked at here as well.
  private mutating func proceed(_ key: SlabKey, _ context: inout LoopContext) {
    let progress = checks[key].proceed(&context.buffers)
    if case .over(let result) = progress { return conclude(key, result, &context) }
    if checks[key].schedule.isRunning, context.now >= checks[key].schedule.deadline {
      return conclude(key, .failed(.timeout(stage: checks[key].stage)), &context)
    }
    if case .yields = progress, !context.runnableChecks.contains(key) { context.runnableChecks.append(key) }
    arm(key, &context)
  }

  private mutating func conclude(_ key: SlabKey, _ result: CheckResult, _ context: inout LoopContext) {
    random ^= random << 13
    random ^= random >> 7
    random ^= random << 17
    let wasSilent = checks[key].tracker.isSilent
    if result == .inconclusive {
      let detail = checks[key].detail ?? "no memory"
      context.noteFailure(of: checks[key].shared, .shortage, "not checked: \(detail)")
    }
    if let transition = checks[key].end(with: result, at: context.now, random: random, &context.buffers) {
      publish(transition, of: key)
    }
    if checks[key].tracker.isSilent, !wasSilent { checks[key].publishLoss() }
    arm(key, &context)
    if !isSettled, keys.allSatisfy({ checks[$0].tracker.isKnown }) { publishReadiness(&context) }
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
  private mutating func publishReadiness(_ context: inout LoopContext) {
    guard !isSettled else { return }
    isSettled = true
    context.sharedState.post(.serve)
    channel.send(.ready(generation: snapshot.number))
  }

  private func arm(_ key: SlabKey, _ context: inout LoopContext) {
    context.timers.schedule(TimerKey(.probe(key.index)).rawValue, at: checks[key].schedule.deadline)
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
