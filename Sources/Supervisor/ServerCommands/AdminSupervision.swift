import Configuration
import Control
import Domain
import Linux
import Logging
import Pair
import WorkerProtocol
import Wire

/// Commands of administrators for servers and services.
extension Supervision {
  /// Executes a command, or refuses it when the server does not exist.
  mutating func command(_ command: ServerCommand, of name: String, for requester: OperatorSocket.Requester) {
    guard let name = status.fullName(of: name) else { return reply(status.refusal(ofServer: name), to: requester) }
    // Otherwise the saved state and the worker's state would differ for as long as this worker runs.
    guard worker?.link.hasRoomForOperators != false else { return reply(.refused([ControlLink.noRoom]), to: requester) }
    log.notice(
      "server \(name): \(command.text), requested by \(operators.name(of: requester))", metadata: ["server": "\(name)"])
    handle(admin: .command(command, server: name, by: requester, .now))
  }

  /// Puts a service into maintenance or ends that; nil: the only service.
  mutating func command(maintenance isOn: Bool, of name: String?, for requester: OperatorSocket.Requester) {
    guard let name = status.serviceName(name) else { return reply(status.refusal(ofService: name), to: requester) }
    guard worker?.link.hasRoomForOperators != false else { return reply(.refused([ControlLink.noRoom]), to: requester) }
    let service = AdminSubject.service(name)
    log.notice("\(service): maintenance \(isOn ? "on" : "off"), requested by \(operators.name(of: requester))")
    handle(admin: .command(isOn ? .maintenance : .ready, server: service.key, by: requester, .now))
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
        if note.level == .warning { active.warn(note.text) }
      case .answer(let requester, let server, let isApplied, let memory):
        let absent = pair?.peers.absent(at: Clock.monotonic()) ?? []
        reply(status.answer(server, admin.commands.states, isApplied: isApplied, memory, absent: absent), to: requester)
      }
    }
  }

  /// The result of a write is known.
  mutating func noteSavedStates() {
    let (number, failure) = admin.file.takeOutcome()
    handle(admin: .saved(upTo: number, failure: failure))
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
    for note in states.keep(plan.adminKeys) { log.log(level: note.level, "\(note.text)") }
    for (key, state) in states.all where !state.isReady {
      switch AdminSubject(key: key) {
      case .server(let name):
        log.notice("server state: \(name) \(state), restored after a restart", metadata: ["server": "\(name)"])
      case let service: log.notice("\(service): \(service.words(for: state)), restored after a restart")
      }
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
