import Control
import Domain
import Wire

/// The administrators' commands for servers and services, both named by the key of their `AdminSubject`: stored, sent to
/// the worker, saved to a file if the configuration has one, and answered once the results of the worker and of the file
/// are known.
///
/// Pure: `handle` takes an event and returns effects; `handle(.timer)` is due at `deadline`.
struct AdminCommandStateMachine {
  typealias Requester = OperatorSocket.Requester

  /// The progress of a command that a requester waits for.
  enum Progress: Hashable {
    /// Sent to the worker, which must apply it before the deadline.
    case applying(deadline: Instant)
    /// The worker's result is known; the file must be written before the deadline.
    case remembering(isApplied: Bool, deadline: Instant)
  }

  struct Command: Hashable {
    let requester: Requester
    var server: String
    let number: UInt64
    var progress: Progress
  }

  enum Event {
    /// For a server that is configured.
    case command(ServerCommand, server: String, by: Requester, WallTime)
    /// Another node of the pair has this state.
    case learned(AdminState, server: String, WallTime)
    /// A new worker starts with all states.
    case workerStarted
    /// The worker has applied all commands up to this number.
    case applied(upTo: UInt64)
    case workerEnded
    /// The file's result up to this command is known; `failure` is why it could not be written.
    case saved(upTo: UInt64, failure: String?)
    /// Another configuration is active.
    case configured(servers: Set<String>, file: String?)
    /// Time has passed.
    case timer
  }

  enum Effect: Equatable {
    /// Send it to the worker.
    case send(AdminState, server: String, number: UInt64)
    /// Save it to the file; `saved` follows.
    case save(AdminStateSnapshot, upTo: UInt64, path: String)
    /// States are no longer saved.
    case forget
    case note(AdminStateNote)
    case answer(Requester, server: String, isApplied: Bool, Memory)
  }

  /// Whether a command survives a restart of this process.
  enum Memory: Equatable {
    /// The configuration names no state file.
    case unwanted
    case saved
    case failed(path: String, reason: String)
  }

  /// The time limit for a running worker. A worker that hangs is killed sooner.
  static let workerBound = Interval.seconds(8)
  /// The time limit for the file, once the worker has applied the command.
  static let diskBound = Interval.seconds(1)

  /// The administrative state of each server.
  private(set) var states: AdminStates
  /// Unanswered commands, oldest first; those in `.applying` come last.
  private(set) var commands: [Command] = []
  private var hasWorker = false
  /// Where states are saved; nil: nowhere.
  private var file: String?
  /// The last command whose file result is known.
  private var saved: UInt64 = 0
  private var failure: String?

  init(_ states: AdminStates, file: String?) {
    self.states = states
    self.file = file
  }

  /// When `handle(.timer)` is due next.
  var deadline: Instant? {
    commands.map { command in
      switch command.progress {
      case .applying(let deadline), .remembering(_, let deadline): deadline
      }
    }.min()
  }

  mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
    var effects: [Effect] = []
    switch event {
    case .command(let command, let server, let requester, let moment):
      let state = states.apply(command, to: server, at: moment)
      commands.append(
        Command(
          requester: requester, server: server, number: states.number,
          progress: .applying(deadline: now + Self.workerBound)))
      effects = [save]
      if hasWorker {
        effects.append(.send(state, server: server, number: states.number))
      } else {
        note(isApplied: false, at: now)
      }
    case .learned(let state, let server, let moment): effects = learn(state, of: server, at: moment)
    case .workerStarted: hasWorker = true
    case .applied(let number): note(isApplied: true, upTo: number, at: now)
    case .workerEnded:
      hasWorker = false
      note(isApplied: false, at: now)
    case .saved(let number, let failure):
      saved = max(saved, number)
      self.failure = failure
    case .configured(let servers, let file): effects = adopt(servers, file: file)
    case .timer:
      let isOverdue = commands.contains {
        guard case .applying(let deadline) = $0.progress else { return false }
        return now >= deadline
      }
      if isOverdue { note(isApplied: false, at: now) }
    }
    return effects + answers(at: now)
  }

  private mutating func adopt(_ servers: Set<String>, file: String?) -> [Effect] {
    let before = (self.file, states.snapshot)
    let notes = states.keep(servers)
    self.file = file
    if file == nil { failure = nil }
    var effects = before == (file, states.snapshot) ? [] : [save]
    for note in notes {
      effects.append(.note(note))
      guard case .moved(let name, let heir, let state) = note else { continue }
      for index in commands.indices where commands[index].server == name { commands[index].server = heir }
      // The worker passes over a command for the old name that it reads after the reload.
      if hasWorker { effects.append(.send(state, server: heir, number: states.number)) }
    }
    return effects
  }

  private mutating func learn(_ state: AdminState, of server: String, at moment: WallTime) -> [Effect] {
    guard states.merge(state, of: server, at: moment) else { return [] }
    let send = Effect.send(state, server: server, number: states.number)
    return [.note(.learned(server, state)), save] + (hasWorker ? [send] : [])
  }

  private var save: Effect {
    file.map { .save(states.snapshot, upTo: states.number, path: $0) } ?? .forget
  }

  /// Records the worker's result for all commands up to this number.
  private mutating func note(isApplied: Bool, upTo number: UInt64 = .max, at now: Instant) {
    for index in commands.indices where commands[index].number <= number {
      guard case .applying = commands[index].progress else { continue }
      commands[index].progress = .remembering(isApplied: isApplied, deadline: now + Self.diskBound)
    }
  }

  /// Removes and answers the leading commands whose results are known or whose deadline has passed.
  private mutating func answers(at now: Instant) -> [Effect] {
    var answers: [Effect] = []
    while let command = commands.first, case .remembering(let isApplied, let deadline) = command.progress {
      guard let memory = memory(of: command.number) ?? (now >= deadline ? slow : nil) else { break }
      commands.removeFirst()
      answers.append(.answer(command.requester, server: command.server, isApplied: isApplied, memory))
    }
    return answers
  }

  /// Nil while it is unknown.
  private func memory(of number: UInt64) -> Memory? {
    guard let file else { return .unwanted }
    guard saved >= number else { return nil }
    return failure.map { .failed(path: file, reason: $0) } ?? .saved
  }

  private var slow: Memory? { file.map { .failed(path: $0, reason: "the disk takes too long") } }
}
