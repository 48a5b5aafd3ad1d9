import Testing

@testable import Demo

@Suite struct PromptCommandTests {
  static let servers = ["view01", "view02"]

  @Test(
    arguments: [
      ("kill view01", .kill("view01")), ("  start   view02 ", .start("view02")), ("drain view01", .drain("view01")),
      ("status", .status), ("help", .help), ("?", .help), ("quit", .quit), ("exit", .quit), ("", .nothing),
      (" \t", .nothing),
    ] as [(String, PromptCommand)])
  func `a line is parsed as a command`(_ line: String, _ command: PromptCommand) {
    #expect(PromptCommand(line, servers: Self.servers) == command)
  }

  @Test(arguments: ["kill", "kill view03", "kill view01 view02", "start", "drain x"])
  func `a command without a server is answered with the list of servers`(_ line: String) {
    guard case .unknown(let words) = PromptCommand(line, servers: Self.servers) else {
      Issue.record("understood")
      return
    }
    #expect(words.contains("view01") && words.contains("view02"))
  }

  @Test(arguments: ["kil view01", "status now", "quit!"])
  func `an unknown command is reported`(_ line: String) {
    guard case .unknown(let words) = PromptCommand(line, servers: Self.servers) else {
      Issue.record("understood")
      return
    }
    #expect(words.contains(line))
  }
}
