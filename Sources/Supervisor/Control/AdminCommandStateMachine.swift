import Control
import Domain
import Wire

/// What administrators command of servers: kept, given to the worker, remembered in a file where the configuration
/// wants that, and answered when it is known whether the worker applies it and whether the file has it.
///
/// Pure: `handle` takes what happened and answers with what to do, and `handle(.timer)` is due at `deadline`.
struct AdminCommandStateMachine {
  typealias Requester = OperatorSocket.Requester

  /// How far a command has come that somebody waits for.
  enum Progress: Hashable {
    /// The worker has it; one that does not apply it by then is not waited for.
    case applying(deadline: Instant)
    /// The worker's part is known. A disk that takes longer is not waited for.
    case remembering(isApplied: Bool, deadline: Instant)
  }

  struct Command: Hashable {
    let requester: Requester
    let server: String
    let number: UInt64
    var progress: Progress
  }

  enum Event {
    /// For a server that the configuration has.
    case command(ServerCommand, server: String, by: Requester, WallTime)
    /// A worker begins with every state.
    case workerStarted
    /// The worker applies every state up to this command's.
    case applied(upTo: UInt64)
    case workerEnded
    /// It is known what became of the file up to this command, and why it could not be written if it could not.
    case saved(upTo: UInt64, failure: String?)
    /// Another configuration is in force.
    case configured(servers: Set<String>, file: String?)
    /// Time has passed.
    case timer
  }

  enum Effect: Equatable {
    /// Have the worker apply it.
    case send(AdminState, server: String, number: UInt64)
    /// Write it soon; `saved` follows.
    case save(AdminStateSnapshot, upTo: UInt64, path: String)
    /// Nothing is remembered any more.
    case forget
    case answer(Requester, server: String, isApplied: Bool, Memory)
  }

  /// Whether a command outlasts this process.
  enum Memory: Equatable {
    /// The configuration does not want it.
    case unwanted
    case saved
    case failed(path: String, reason: String)
  }

  /// How long a worker that runs may take. One that hangs is killed within that.
  static let workerBound = Interval.seconds(8)
  /// How long a disk may take, once the worker has applied a command.
  static let diskBound = Interval.seconds(1)

  /// What is commanded of every server.
  private(set) var states: AdminStates
  /// Those that are not answered yet, the earliest first: the ones that are being applied come last.
  private(set) var commands: [Command] = []
  private var hasWorker = false
  /// Where states are remembered; nil: nowhere.
  private var file: String?
  /// Up to which command it is known what became of the file.
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
    case .workerStarted: hasWorker = true
    case .applied(let number): note(isApplied: true, upTo: number, at: now)
    case .workerEnded:
      hasWorker = false
      note(isApplied: false, at: now)
    case .saved(let number, let failure):
      saved = max(saved, number)
      self.failure = failure
    case .configured(let servers, let file):
      let before = (self.file, states.snapshot)
      states.keep(servers)
      self.file = file
      if file == nil { failure = nil }
      if before != (file, states.snapshot) { effects = [save] }
    case .timer:
      let isOverdue = commands.contains {
        guard case .applying(let deadline) = $0.progress else { return false }
        return now >= deadline
      }
      if isOverdue { note(isApplied: false, at: now) }
    }
    return effects + answers(at: now)
  }

  private var save: Effect {
    file.map { .save(states.snapshot, upTo: states.number, path: $0) } ?? .forget
  }

  /// It is known whether a worker applies those up to this number, or never will.
  private mutating func note(isApplied: Bool, upTo number: UInt64 = .max, at now: Instant) {
    for index in commands.indices where commands[index].number <= number {
      guard case .applying = commands[index].progress else { continue }
      commands[index].progress = .remembering(isApplied: isApplied, deadline: now + Self.diskBound)
    }
  }

  /// Takes out the first ones, as far as everything is known of them, or their time is over.
  private mutating func answers(at now: Instant) -> [Effect] {
    var answers: [Effect] = []
    while let command = commands.first, case .remembering(let isApplied, let deadline) = command.progress {
      guard let memory = memory(of: command.number) ?? (now >= deadline ? slow : nil) else { break }
      commands.removeFirst()
      answers.append(.answer(command.requester, server: command.server, isApplied: isApplied, memory))
    }
    return answers
  }

  /// Nil while it is not known.
  private func memory(of number: UInt64) -> Memory? {
    guard let file else { return .unwanted }
    guard saved >= number else { return nil }
    return failure.map { .failed(path: file, reason: $0) } ?? .saved
  }

  private var slow: Memory? { file.map { .failed(path: $0, reason: "the disk takes too long") } }
}
