import ArgumentParser
import Control
import Linux
import Wire

struct ServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server",
    abstract: "Drain a server, take it out, bring it back, or change its weight, while the service runs.",
    discussion: """
        drain              Clients that it knows stay, new ones go elsewhere. Once
                           `belvedere status` shows 0 sessions, nobody is left.
        maintenance        Nobody is sent there. Who waits for it goes elsewhere,
                           idle connections are closed, tunnels run to their end.
        ready              Takes drain or maintenance back. Clients that have moved
                           stay where they are.
        weight N           Its share of new clients, 0 to 256.
        weight configured  The configuration's again.

      Ends with status 0 when the order is in force, and prints the server as it stands. An order outlasts reloads and \
      the death of a worker, for as long as the configuration names the server, and with `order-file` a restart. Health checks go on: a server that fails \
      them is down, drained or not.
      """)

  private static let patience = Interval.seconds(10)

  enum Order: String, CaseIterable, ExpressibleByArgument {
    case drain, maintenance, ready, weight
  }

  @OptionGroup var control: ControlSocket

  @Argument(help: "The server, as the configuration names it.")
  var name: String

  @Argument(help: "What is wanted of it.")
  var order: Order

  @Argument(help: ArgumentHelp("With weight: 0 to 256, or `configured`.", valueName: "weight"))
  var weight: String?

  func validate() throws { _ = try command() }

  func run() throws {
    let answer = try control.ask(.server(name: name, try command()), patience: Self.patience)
    guard case .ordered(let server, let warnings) = answer else {
      StandardStream.error.write("belvedere: the service answered something else\n")
      throw ControlSocket.unavailable
    }
    for warning in warnings { StandardStream.error.write("warning: " + warning + "\n") }
    StandardStream.output.write(StatusText.line(of: server) + "\n")
  }

  private func command() throws -> Control.ServerCommand {
    if order != .weight, weight != nil { throw ValidationError("`\(order.rawValue)` takes no number") }
    switch order {
    case .drain: return .drain
    case .maintenance: return .maintenance
    case .ready: return .ready
    case .weight:
      guard let weight else { throw ValidationError("`weight` takes a number from 0 to 256, or `configured`") }
      if weight == "configured" { return .weight(nil) }
      guard let number = Int(weight), 0...Control.ServerCommand.weightLimit ~= number else {
        throw ValidationError("`\(weight)` is no weight: it is a number from 0 to 256, or `configured`")
      }
      return .weight(number)
    }
  }
}
