import Control
import Linux
import Logging
import Roles
import Systemd
import Wire

/// Which configuration is in force, and how many were tried.
struct GenerationCount {
  private(set) var current: UInt64 = 1
  private(set) var since: Moment
  private var tried: UInt64 = 1

  init(since: Moment) { self.since = since }

  /// The number of another one.
  mutating func next() -> UInt64 {
    tried += 1
    return tried
  }

  mutating func adopt(_ number: UInt64, at now: Moment) {
    current = number
    since = now
  }
}

/// Who waits for the outcome of which reload. One that is asked for while another is under way is done after it: the
/// file may have changed since it was read.
struct ReloadQueue {
  /// Of the one under way.
  var askers: [OperatorSocket.Asker] = []
  /// Of the next.
  var nextAskers: [OperatorSocket.Asker] = []
}

/// A new configuration that the worker was given and has not answered for yet.
struct PendingReload {
  let generation: UInt64
  let plan: ServicePlan
  let configuration: SharedDescriptor
  let listeners: ListenerSet.Change
  let deadline: Instant
}

/// Reload: everything is read, bound and checked beside what serves, and taken over only as a whole.
extension Supervision {
  /// How long a worker may take to load what the configuration names.
  static let reloadBound = Interval.seconds(30)

  /// Reads the configuration file again and asks the worker to take it over: now, or as soon as the reload under way is
  /// over or a worker serves. Several that wait are one: the file is read after the last of them. `asker` is told the
  /// outcome.
  mutating func reload(for asker: OperatorSocket.Asker? = nil) {
    guard pending == nil else {
      isReloadWanted = true
      if let asker { reloads.nextAskers.append(asker) }
      return log.info("reload: one is under way, another follows it")
    }
    if let asker { reloads.askers.append(asker) }
    if case .stopping = life.state { return conclude(.failure(ReloadRefusal(["the service stops"]))) }
    guard case .serving = life.state, worker != nil else {
      isReloadWanted = true
      return log.notice("reload: no worker serves at the moment, it follows when one does")
    }
    isReloadWanted = false
    ServiceNotification.reloading(at: Clock.monotonic()).send()
    switch prepare() {
    case .success(let reload):
      pending = reload
      status.expect(reload.plan.description)
      hand(reload)
    case .failure(let refusal):
      ServiceNotification.ready.send()
      conclude(.failure(refusal))
    }
  }

  /// Does what was asked for while it could not be done.
  mutating func reloadIfWanted() {
    guard isReloadWanted, pending == nil, case .serving = life.state, worker != nil else { return }
    reload()
  }

  /// The worker has answered, or never will.
  mutating func endReload(_ outcome: Result<Void, ReloadRefusal>) {
    guard let reload = pending else { return }
    pending = nil
    if case .success = outcome { adopt(reload) } else { status.expect(nil) }
    ServiceNotification.ready.send()
    conclude(outcome)
    reloadIfWanted()
  }

  /// Says what came of it, to the log and to whoever waits.
  private mutating func conclude(_ outcome: Result<Void, ReloadRefusal>) {
    let answer: ControlAnswer
    switch outcome {
    case .success:
      log.notice(
        "reload: generation \(generation.current) serves", metadata: ["generation": "\(generation.current)"])
      answer = .reloaded(generation: generation.current, warnings: plan.warnings)
    case .failure(let refusal):
      for line in refusal.lines { log.error("reload: refused, the configuration before it goes on serving: \(line)") }
      answer = .refused(refusal.reasons)
    }
    for asker in reloads.askers { reply(answer, to: asker) }
    reloads.askers = reloads.nextAskers
    reloads.nextAskers = []
  }

  /// Binds new listeners and puts the text into memory. What is given up by a failure closes by itself.
  private mutating func prepare() -> Result<PendingReload, ReloadRefusal> {
    switch reread() {
    case .failure(let refusal): return .failure(refusal)
    case .success(let next):
      let fixed = plan.fixedSettings(changedBy: next)
      guard fixed.isEmpty else { return .failure(ReloadRefusal(fixed)) }
      do {
        let change = try listeners?.change(to: next.places, loops: next.loops) ?? ListenerSet.Change()
        let text = SharedDescriptor(try MemoryFile.sealed("configuration", contents: next.configuration.text.span))
        return .success(
          PendingReload(
            generation: generation.next(), plan: next, configuration: text, listeners: change,
            deadline: Clock.monotonic() + Self.reloadBound))
      } catch {
        return .failure(ReloadRefusal(["\(error)"]))
      }
    }
  }

  private mutating func hand(_ reload: PendingReload) {
    let names = reload.plan.configuration
    worker?.link.send(
      .configure(
        generation: reload.generation, loops: UInt16(truncatingIfNeeded: reload.plan.loops), fileName: names.fileName,
        hostName: names.hostName),
      with: reload.configuration)
    for listener in reload.listeners.added { worker?.link.send(.listener(listener.place), with: listener.socket) }
    for listener in reload.listeners.removed { worker?.link.send(.withdraw(listener.place)) }
    worker?.link.send(.start)
    worker?.link.flush()
  }
}
