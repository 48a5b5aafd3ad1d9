import ArgumentParser
import Control
import Domain
import Linux
import Wire

struct ServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server",
    abstract: "Drain a server, take it out, bring it back, or change its weight, while the service runs.",
    discussion: """
        drain              Known clients stay, new ones go elsewhere. At 0 sessions
                           in `belvedere status`, no client is connected to it.
        maintenance        No client is sent there. Queued requests go elsewhere,
                           idle connections are closed, tunnels run to their end.
        ready              Ends drain or maintenance. Clients that have moved stay
                           where they are.
        weight N           Share of new clients, 0 to 256.
        weight configured  The weight of the configuration.

      The exit status is 0 when the change is applied; the server's state is printed. It stays in force across reloads \
      and the death of a worker while the configuration names the server, and with `server-state-file` across a restart. Health \
      checks continue: a server that fails them is down, drained or not.
      """)

  private static let timeout = Interval.seconds(10)

  enum Action: String, CaseIterable, ExpressibleByArgument {
    case drain, maintenance, ready, weight
  }

  @OptionGroup var control: ControlSocket

  @Argument(help: "The server, as the configuration names it.")
  var name: String

  @Argument(help: "The new state of the server, or `weight`.")
  var action: Action

  @Argument(help: ArgumentHelp("With weight: 0 to 256, or `configured`.", valueName: "weight"))
  var weight: String?

  func validate() throws { _ = try command() }

  func run() throws {
    let answer = try control.ask(.server(name: name, try command()), timeout: Self.timeout)
    guard case .changed(let server, let warnings) = answer else { throw ExitCode.unexpectedAnswer() }
    for warning in warnings { StandardStream.error.write("warning: " + warning + "\n") }
    StandardStream.output.write(StatusText.line(of: server) + "\n")
  }

  private func command() throws -> Control.ServerCommand {
    if action != .weight, weight != nil { throw ValidationError("`\(action.rawValue)` takes no number") }
    switch action {
    case .drain: return .drain
    case .maintenance: return .maintenance
    case .ready: return .ready
    case .weight:
      guard let weight else { throw ValidationError("`weight` takes a number from 0 to 256, or `configured`") }
      if weight == "configured" { return .weight(nil) }
      guard let number = Int(weight), ServerWeight.range ~= number else {
        throw ValidationError("`\(weight)` is no weight: it is a number from 0 to 256, or `configured`")
      }
      return .weight(number)
    }
  }
}
