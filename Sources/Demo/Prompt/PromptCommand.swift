/// What a person may ask of the running demonstration.
package enum PromptCommand: Equatable, Sendable {
  /// The server dies: no orderly end, every connection is reset.
  case kill(String)
  /// The server returns, and takes new clients.
  case start(String)
  /// The server asks for no new clients.
  case drain(String)
  case status
  case help
  case quit
  case nothing
  /// What was typed and is none of these, with what to type instead.
  case unknown(String)

  /// Reads one line.
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

  /// What `help` answers.
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
