import Configuration
import Control
import Domain

/// The answers to commands for servers and services. Pure.
extension ServiceStatus {
  /// For a name without `fullName`.
  func refusal(ofServer name: String) -> ControlAnswer {
    let namesakes = namesakes(of: name)
    guard namesakes.isEmpty else {
      return .refused(["several services have a server `\(name)`: \(namesakes.joined(separator: ", "))"])
    }
    return Self.refusal(of: "server", name, among: description.servers.map(\.name))
  }

  /// The service that is meant; nil: the only one. Nil if there is no such service, or several.
  func serviceName(_ name: String?) -> String? {
    let names = description.services.map(\.name)
    guard let name else { return names.count == 1 ? names[0] : nil }
    return names.contains(name) ? name : nil
  }

  /// For a name without `serviceName`.
  func refusal(ofService name: String?) -> ControlAnswer {
    let names = description.services.map(\.name).filter { !$0.isEmpty }
    guard let name else { return .refused(["there are several services, name one: \(names.joined(separator: ", "))"]) }
    guard !names.isEmpty else { return .refused(["the configuration has no `services`: leave the name out"]) }
    return Self.refusal(of: "service", name, among: names)
  }

  private static func refusal(of kind: String, _ name: String, among names: [String]) -> ControlAnswer {
    let advice =
      Suggestion.nearest(to: name, among: names).map { "Did you mean `\($0)`?" }
      ?? "There are: \(names.joined(separator: ", "))"
    return .refused(["the configuration has no \(kind) `\(name)`. \(advice)"])
  }

  /// After a command for the server or the service with this key; `absent`: other nodes that do not answer.
  func answer(
    _ key: String, _ states: AdminStates, isApplied: Bool, _ memory: AdminCommandStateMachine.Memory,
    absent: [String] = []
  ) -> ControlAnswer {
    switch AdminSubject(key: key) {
    case .server(let name): answer(server: name, states, isApplied: isApplied, memory)
    case .service(let name):
      .maintained(
        service: name, isOn: states[key] != nil,
        warnings: [
          isApplied ? nil : Self.unapplied, memory.warning, Self.forgets(states, memory) ? Self.forgotten : nil,
        ].compactMap { $0 } + absent.map { "\($0) does not answer, and learns it when it is back" })
    }
  }

  /// Whether a restart ends a maintenance, which no other node knows of.
  private static func forgets(_ states: AdminStates, _ memory: AdminCommandStateMachine.Memory) -> Bool {
    memory == .unwanted && !states.areShared && !states.all.isEmpty
  }

  private static let forgotten = "it lasts until a restart only: the configuration has no `server-state-file`"
  private static let unapplied = "no worker has applied it yet; the next one applies it before it serves"

  private func answer(
    server name: String, _ states: AdminStates, isApplied: Bool, _ memory: AdminCommandStateMachine.Memory
  ) -> ControlAnswer {
    guard let server = server(name, states) else {
      return .refused(["server \(name): it was removed by a reload meanwhile"])
    }
    var warnings: [String] = []
    if !isApplied {
      warnings.append(Self.unapplied)
    } else if !takesNewClients(insteadOf: server, states) {
      let service = server.parts.service.map { " of service \($0)" } ?? ""
      warnings.append("no server\(service) takes new clients now: they are answered with 503")
    }
    return .changed(server, warnings: warnings + [memory.warning].compactMap { $0 })
  }
}

extension AdminCommandStateMachine.Memory {
  /// For the administrator.
  fileprivate var warning: String? {
    guard case .failed(let path, let reason) = self else { return nil }
    return "it lasts until a restart only: \(path) can't be written (\(reason)), and is tried again"
  }
}
