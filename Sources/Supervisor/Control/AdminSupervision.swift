import Configuration
import Control
import Domain
import Linux
import Logging
import WorkerProtocol
import Wire

/// Server commands of administrators.
extension Supervision {
  /// Executes a command, or refuses it when the server does not exist.
  mutating func command(_ command: ServerCommand, of name: String, for requester: OperatorSocket.Requester) {
    guard let name = status.fullName(of: name) else { return reply(.refused([unknown(name)]), to: requester) }
    // Otherwise the saved state and the worker's state would differ for as long as this worker runs.
    guard worker?.link.hasRoomForOperators != false else { return reply(.refused([ControlLink.noRoom]), to: requester) }
    log.notice(
      "server \(name): \(command.text), requested by \(operators.name(of: requester))", metadata: ["server": "\(name)"])
    handle(admin: .command(command, server: name, by: requester, .now))
  }

  mutating func handle(admin event: AdminCommandStateMachine.Event) {
    for effect in admin.commands.handle(event, at: Clock.monotonic()) {
      switch effect {
      case .send(let state, let server, let number):
        worker?.link.send(.server(name: server, state, number: number), forOperators: true)
        worker?.link.flush()
      case .save(let snapshot, let number, let path): admin.file.save(snapshot, upTo: number, to: path)
      case .forget: admin.file.forget()
      case .note(let note):
        log.log(level: note.level, "\(note.text)")
        if case .dropped = note { active.warn(note.text) }
      case .answer(let requester, let server, let isApplied, let memory):
        answer(requester, server, isApplied: isApplied, memory)
      }
    }
  }

  /// The result of a write is known.
  mutating func noteSavedStates() {
    let (number, failure) = admin.file.takeOutcome()
    handle(admin: .saved(upTo: number, failure: failure))
  }

  private mutating func answer(
    _ requester: OperatorSocket.Requester, _ name: String, isApplied: Bool, _ memory: AdminCommandStateMachine.Memory
  ) {
    guard let server = status.server(name, admin.commands.states) else {
      return reply(.refused(["server \(name): it was removed by a reload meanwhile"]), to: requester)
    }
    var warnings: [String] = []
    if !isApplied {
      warnings.append("no worker has applied it yet; the next one applies it before it serves")
    } else if !status.takesNewClients(insteadOf: server, admin.commands.states) {
      let service = server.parts.service.map { " of service \($0)" } ?? ""
      warnings.append("no server\(service) takes new clients now: they are answered with 503")
    }
    if case .failed(let path, let reason) = memory {
      warnings.append("it lasts until a restart only: \(path) can't be written (\(reason)), and is tried again")
    }
    reply(.changed(server, warnings: warnings), to: requester)
  }

  private func unknown(_ name: String) -> String {
    let names = status.description.servers.map(\.name)
    let namesakes = status.namesakes(of: name)
    if !namesakes.isEmpty { return "several services have a server `\(name)`: \(namesakes.joined(separator: ", "))" }
    let advice =
      Suggestion.nearest(to: name, among: names).map { "Did you mean `\($0)`?" }
      ?? "There are: \(names.joined(separator: ", "))"
    return "the configuration has no server `\(name)`. \(advice)"
  }
}

/// Server commands, and the file that saves their result.
struct AdminControl {
  var commands: AdminCommandStateMachine
  let file: AdminStateFile

  /// Starts with the states that an earlier run saved.
  init(_ plan: ServicePlan, file: AdminStateFile, log: Logger) {
    var states = AdminStates(
      plan.serverStateFile.map { AdminStateFile.read($0, log) } ?? AdminStateSnapshot([:]), node: plan.pair?.node)
    for note in states.keep(plan.serverNames) { log.log(level: note.level, "\(note.text)") }
    for (name, state) in states.all where !state.isReady {
      log.notice("server state: \(name) \(state), restored after a restart", metadata: ["server": "\(name)"])
    }
    commands = AdminCommandStateMachine(states, file: plan.serverStateFile)
    self.file = file
  }
}

extension ServerCommand {
  /// As on the command line: `drain`, `weight 5`, `weight configured`.
  fileprivate var text: String {
    guard case .weight(let weight) = self else { return word }
    return "weight " + (weight.map(String.init) ?? "configured")
  }
}
