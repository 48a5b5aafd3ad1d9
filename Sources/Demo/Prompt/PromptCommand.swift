/// A command of the running demo.
package enum PromptCommand: Equatable, Sendable {
  /// Kills the server: every connection is reset.
  case kill(String)
  /// Restarts the server, which then accepts new clients.
  case start(String)
  /// The server's health check reports that it accepts no new clients.
  case drain(String)
  case status
  case help
  case quit
  case nothing
  /// An unknown command, with a suggestion.
  case unknown(String)

  /// Parses one line.
  package init(_ line: String, servers: [String]) {
    let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
    switch (words.first ?? "", words.dropFirst().first, words.count) {
    case ("", _, _): self = .nothing
    case ("kill", let name?, 2) where servers.contains(name): self = .kill(name)
    case ("start", let name?, 2) where servers.contains(name): self = .start(name)
    case ("drain", let name?, 2) where servers.contains(name): self = .drain(name)
    case ("kill", _, _), ("start", _, _), ("drain", _, _):
      self = .unknown("Which server? \(servers.map { "\(words[0]) \($0)" }.joined(separator: ", or "))")
    case ("status", nil, _): self = .status
    case ("help", nil, _), ("?", nil, _): self = .help
    case ("quit", nil, _), ("exit", nil, _): self = .quit
    default: self = .unknown("I don't know '\(words.joined(separator: " "))'. help lists what I do.")
    }
  }

  /// The output of `help`.
  package static func help(servers: [String]) -> String {
    let name = servers.first ?? "view01"
    return """
        kill \(name)    the server dies: connections are reset, new ones refused
        drain \(name)   the server answers its health check with 503: known clients stay, new ones go elsewhere
        start \(name)   the server is back
        status         the servers, and what they have had to do
        quit           end everything

      """
  }
}
