import Configuration
import Linux
import Logging
import VRRP
import Wire

/// Hooks, mail and tracked scripts of the virtual routers.
extension VirtualRouters {
  /// When `runPrograms` is due next.
  var programDeadline: Instant? {
    ([programs.deadline] + scripts.map(\.deadline)).compactMap { $0 }.min()
  }

  /// Whether every hook has been run to its end.
  var areHooksDone: Bool { programs.areHooksDone }

  /// Starts the scripts that are due, and handles programs that have ended.
  mutating func runPrograms(_ poller: borrowing Poller, at now: Instant) {
    for index in scripts.indices where scripts[index].isDue(at: now) {
      let queue = ProgramRunner.Queue(router: scripts[index].router, track: scripts[index].track)
      _ = programs.run(scripts[index].program, in: queue, poller, at: now)
    }
    for (queue, program, outcome) in programs.collect(poller, at: now) {
      if let track = queue.track {
        note(outcome, ofScript: track, queue.router, at: now)
      } else if !outcome.isSuccess {
        let router = queue.router
        log(router, .warning, "hook \(program.name): \(outcome.words)")
      }
    }
    let changes = self.changes
    self.changes = []
    for change in changes { notify(change, poller, at: now) }
  }

  private mutating func note(_ outcome: ProgramRunner.Outcome, ofScript track: Int, _ router: Int, at now: Instant) {
    guard let index = scripts.firstIndex(where: { $0.router == router && $0.track == track }) else { return }
    if !outcome.isSuccess {
      say(router, .warning, "check \(scripts[index].program.path): \(outcome.words)", as: .script(track), at: now)
    }
    if let isGood = scripts[index].note(isSuccess: outcome.isSuccess) {
      perform(routerSet.handle(.track(track, isGood: isGood), for: router, at: now), at: now)
    }
  }

  /// Queues the hooks and the mail.
  private mutating func notify(_ change: RoleChange, _ poller: borrowing Poller, at now: Instant) {
    let (plan, router) = (instances[change.router].plan, change.router)
    let notice = ChangeNotice(router: plan.router.name, change.transition)
    var programs = Notifier.programs(
      notice, hooks: plan.router.hooks, mail: plan.router.mail, interface: plan.router.interface)
    if let notifier, !programs.isEmpty {
      programs = [Notifier.messenger(notice, programs: programs.count, at: notifier)]
    }
    for program in programs {
      let isTaken = self.programs.run(program, in: ProgramRunner.Queue(router: router), poller, at: now)
      if !isTaken { log(router, .warning, "hook \(program.name): it is too slow, this change is skipped") }
    }
  }
}

/// A virtual router's change of role, for hooks and mail.
struct RoleChange: Hashable {
  let router: Int
  let transition: Transition
}

extension Program {
  /// Its path, or `belvedere notify` for the runner of all hooks.
  fileprivate var name: String { path == CurrentProcess.executable ? "belvedere notify" : path }
}

extension ProgramRunner.Outcome {
  /// Completes "hook /path/to/program: …".
  var words: String {
    switch self {
    case .ended(.exited(let status)): "it ended with status \(status)"
    case .ended(let end): "it was \(end)"
    case .tookTooLong: "it took too long and was killed"
    case .notStarted(let error): "it can't be started: \(SystemError.words(for: error.code))"
    }
  }
}
