import Configuration
import Control

/// The answers to commands for servers. Pure.
extension ServiceStatus {
  /// For a name without `fullName`.
  func refusal(ofServer name: String) -> ControlAnswer {
    let namesakes = namesakes(of: name)
    guard namesakes.isEmpty else {
      return .refused(["several services have a server `\(name)`: \(namesakes.joined(separator: ", "))"])
    }
    let names = description.servers.map(\.name)
    let advice =
      Suggestion.nearest(to: name, among: names).map { "Did you mean `\($0)`?" }
      ?? "There are: \(names.joined(separator: ", "))"
    return .refused(["the configuration has no server `\(name)`. \(advice)"])
  }

  /// After a command for the server with this full name.
  func answer(
    _ name: String, _ states: AdminStates, isApplied: Bool, _ memory: AdminCommandStateMachine.Memory
  ) -> ControlAnswer {
    guard let server = server(name, states) else {
      return .refused(["server \(name): it was removed by a reload meanwhile"])
    }
    var warnings: [String] = []
    if !isApplied {
      warnings.append("no worker has applied it yet; the next one applies it before it serves")
    } else if !takesNewClients(insteadOf: server, states) {
      let service = server.parts.service.map { " of service \($0)" } ?? ""
      warnings.append("no server\(service) takes new clients now: they are answered with 503")
    }
    if case .failed(let path, let reason) = memory {
      warnings.append("it lasts until a restart only: \(path) can't be written (\(reason)), and is tried again")
    }
    return .changed(server, warnings: warnings)
  }
}
