import ArgumentParser
import Control
import Domain
import Linux
import Wire

struct MaintenanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "maintenance",
    abstract: "Answer new requests of the whole service with the maintenance page, or end that.",
    discussion: """
      New requests get 503 and the page of `errors: { maintenance: FILE }`, or a built-in one. Tunnels and requests in \
      progress go on; new connections that are relayed unread are closed. Health checks continue.

      The exit status is 0 when the change is applied. It stays in force across reloads and the death of a worker, and \
      with `server-state-file` across a restart. In a pair it applies on all nodes. For one server: \
      belvedere server NAME maintenance.

      EXAMPLES
        belvedere maintenance on
        belvedere maintenance off --service cards
      """)

  private static let timeout = Interval.seconds(10)

  enum Setting: String, CaseIterable, ExpressibleByArgument {
    case on, off
  }

  @OptionGroup var control: ControlSocket

  @Argument(help: "Whether the service is in maintenance.")
  var setting: Setting

  @Option(help: ArgumentHelp("The service, where the configuration has several (`services`).", valueName: "name"))
  var service: String?

  func run() throws {
    let answer = try control.ask(.maintenance(service: service, isOn: setting == .on), timeout: Self.timeout)
    guard case .maintained(let name, let isOn, let warnings) = answer else { throw ExitCode.unexpectedAnswer() }
    for warning in warnings { StandardStream.error.write("warning: " + warning + "\n") }
    StandardStream.output.write("\(AdminSubject.service(name)): maintenance \(isOn ? "on" : "off")\n")
  }
}
