import Configuration
import Control
import Linux
import Logging
import WorkerProtocol
import Systemd
import Wire

/// Executes a reload: everything is read, bound and checked beside the active configuration, and adopted only as a
/// whole.
extension Supervision {
  mutating func handle(reload event: ReloadStateMachine<ReloadCandidate>.Event) {
    if case .refused(let number, let reason) = event, number == reload.loadingNumber { active.refusal = reason }
    for effect in reload.handle(event, at: Clock.monotonic()) {
      switch effect {
      case .announceReloading: announce(.reloading(at: Clock.monotonic()))
      case .prepare: prepare()
      case .load(let candidate, let number): load(candidate, number: number)
      case .discard(let candidate): discard(candidate)
      case .adopt(let candidate, let number): adopt(candidate, number: number)
      case .announceReady: announce(.ready)
      case .note(let note):
        var metadata: Logger.Metadata = [:]
        if case .serves(let number) = note { metadata["configuration"] = "\(number)" }
        log.log(level: note.level, "\(note.text)", metadata: metadata)
      case .answer(let requesters, let outcome):
        let answer: ControlAnswer =
          switch outcome {
          case .serves(let number): .reloaded(configuration: number, warnings: active.plan.warnings)
          case .refused(let reasons): .refused(reasons)
          }
        for requester in requesters { reply(answer, to: requester) }
      }
    }
  }

  private mutating func prepare() {
    guard worker?.link.hasRoomForOperators != false else {
      return handle(reload: .unprepared(ReloadRefusal([ControlLink.noRoom])))
    }
    do throws(ReloadRefusal) { handle(reload: .prepared(try active.candidate(origin.reread()))) } catch {
      active.refusal = error.lines.first
      handle(reload: .unprepared(error))
    }
  }

  private mutating func load(_ candidate: ReloadCandidate, number: UInt64) {
    status.expect(candidate.plan.description)
    // As they will be when it is adopted.
    var states = admin.commands.states
    _ = states.keep(candidate.plan.adminKeys)
    worker?.link.configure(
      candidate.plan, number: number, text: candidate.text, candidate.listeners, states, forOperators: true)
    worker?.link.flush()
  }

  private mutating func discard(_ candidate: ReloadCandidate) {
    status.expect(nil)
    // Before the answer: the worker may still hold duplicates for a moment and would reset connections to them.
    for listener in candidate.listeners.added { listener.stop() }
  }

  /// Makes this configuration the active one.
  private mutating func adopt(_ candidate: ReloadCandidate, number: UInt64) {
    let plan = candidate.plan
    active.adopt(candidate, number: number)
    OperationalLog.setLevel(plan.log.level)
    OperationalLog.setFacility(plan.log.facility)
    for listener in candidate.listeners.removed {
      // Before the reload is reported as complete: `candidate` and systemd still hold duplicates.
      listener.stop()
      listener.forget()
    }
    for listener in candidate.listeners.added { listener.keep() }
    workerState.adopt(active.limits)
    status.adopt(plan.description)
    handle(admin: .configured(servers: plan.adminKeys, file: plan.serverStateFile))
    worker?.adopt(plan, servers: status.serverCount, active.limits, at: Clock.monotonic())
  }
}
