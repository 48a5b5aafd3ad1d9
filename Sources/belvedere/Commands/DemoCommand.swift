import ArgumentParser
import Demo
import Linux
import Wire

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "See it work: two example Connection Servers and a balancer, here and now.",
    discussion: """
      Needs no configuration, certificate or privileges, listens on 127.0.0.1 only, and removes its files at the end. \
      Prints commands to try in another terminal, then accepts `kill view01`, `start view01`, `drain view01`, `status`, \
      `help` and `quit`. Without a terminal it serves until SIGTERM or SIGINT.

      The balancer runs as in production, as `belvedere run` with a configuration of its own. Its log goes to standard \
      error, its access log to standard output.
      """)

  @Option(help: ArgumentHelp("Port for https; otherwise 8443, or another when that is taken.", valueName: "port"))
  var port: UInt16?

  @Option(
    help: ArgumentHelp(
      "Port that redirects plain HTTP; otherwise 8080, or another when that is taken.", valueName: "port"))
  var redirectPort: UInt16?

  @Option(help: ArgumentHelp("End after so many seconds.", valueName: "number"))
  var seconds: UInt32?

  func validate() throws {
    guard port != 0, redirectPort != 0 else { throw ValidationError("A port is a number from 1 to 65535.") }
  }

  func run() throws {
    let options = Demo.Options(
      port: port, redirectPort: redirectPort, duration: seconds.map { .seconds(UInt64($0)) })
    do {
      throw ExitCode(try Demo.run(options))
    } catch let error as DemoError {
      StandardStream.error.write("belvedere demo: \(error)\n")
      throw ExitCode.failure
    }
  }
}
