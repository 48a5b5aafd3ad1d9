import Linux
import Logging
import VRRP
import Wire

/// Hooks, mail and tracked scripts of the virtual routers.
extension VirtualRouters {
  /// How long a hook or the mail system may take.
  private static let patience = Interval.seconds(30)
  private static let mailSystem = "/usr/sbin/sendmail"

  /// When `runPrograms` is due next.
  var programDeadline: Instant? {
    ([programs.deadline] + scripts.map(\.deadline)).compactMap { $0 }.min()
  }

  /// Whether every hook has been run to its end.
  var areHooksDone: Bool { programs.areHooksDone }

  /// Starts the scripts that are due, and takes what came of programs that ended.
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
        log(router, .warning, "hook \(program.path): \(outcome.words)")
      }
    }
    let changes = self.changes
    self.changes = []
    for change in changes { tell(change, poller, at: now) }
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

  /// Runs the hooks with keepalived's arguments, and has a mail sent.
  private mutating func tell(_ change: RoleChange, _ poller: borrowing Poller, at now: Instant) {
    let plan = seats[change.router].plan
    var told = plan.hooks.map { hook in
      Program(
        path: hook,
        arguments: ["INSTANCE", plan.name, change.transition.to.keepalivedName, "\(change.transition.priority)"],
        patience: Self.patience)
    }
    if let mail = plan.mail {
      let message = RouterMail(mail, router: plan.name, interface: plan.interface, change.transition)
      told.append(
        Program(
          path: Self.mailSystem, arguments: message.arguments, input: Array(message.text.utf8),
          patience: Self.patience))
    }
    for program in told {
      let isTaken = programs.run(program, in: ProgramRunner.Queue(router: change.router), poller, at: now)
      let router = change.router
      if !isTaken { log(router, .warning, "hook \(program.path): it is too slow, and not told of this change") }
    }
  }
}

/// A virtual router's change of role, for hooks and mail.
struct RoleChange: Hashable {
  let router: Int
  let transition: Transition
}

extension VirtualRouter.Role {
  /// The word that keepalived has for it.
  var keepalivedName: String {
    switch self {
    case .initialize: "STOP"
    case .fault: "FAULT"
    case .backup: "BACKUP"
    case .active: "MASTER"
    }
  }
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
