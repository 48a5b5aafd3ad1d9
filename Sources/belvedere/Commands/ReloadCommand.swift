import ArgumentParser
import Control
import Linux
import Wire

struct ReloadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload",
    abstract: "Have the running service take its configuration over again, and say what came of it.",
    discussion: """
      The service reads the file that it was started with, checks everything beside what serves, and takes it over only \
      as a whole: new connections and requests go by the new configuration, what runs keeps its own until it ends, and \
      no connection is refused or cut.

      Prints the number of the configuration that serves now, and ends with status 0. A configuration that is refused \
      changes nothing: every problem is printed with its place in the file, and the status is 1.
      """)

  /// Longer than the service gives its worker.
  private static let patience = Interval.seconds(40)

  @OptionGroup var control: ControlSocket

  func run() throws {
    do {
      guard case .reloaded(let generation, let warnings) = try control.ask(.reload, patience: Self.patience) else {
        StandardStream.error.write("belvedere: the service answered something else\n")
        throw ControlSocket.unavailable
      }
      for warning in warnings { StandardStream.error.write(warning + "\n") }
      StandardStream.output.write("generation \(generation) serves\n")
    } catch let status as ExitCode where status == .failure {
      StandardStream.error.write("the new configuration is refused, the one before it goes on serving\n")
      throw status
    }
  }
}
