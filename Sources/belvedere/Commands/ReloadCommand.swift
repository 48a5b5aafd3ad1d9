import ArgumentParser
import Control
import Linux
import Wire

struct ReloadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload",
    abstract: "Have the running service apply its configuration, and print the result.",
    discussion: """
      The service reads the file that it was started with, checks it completely, and then applies it as a whole. New \
      connections and requests use the new configuration; running ones keep the earlier one until they end. No \
      connection is refused or cut.

      Prints the number of the configuration in use; the exit status is 0. A configuration with errors changes nothing: \
      all problems are printed with their place in the file, and the exit status is 1.
      """)

  /// Longer than the service waits for its worker.
  private static let timeout = Interval.seconds(40)

  @OptionGroup var control: ControlSocket

  func run() throws {
    do {
      guard case .reloaded(let number, let warnings) = try control.ask(.reload, timeout: Self.timeout) else {
        throw ExitCode.unexpectedAnswer()
      }
      for warning in warnings { StandardStream.error.write(warning + "\n") }
      StandardStream.output.write("configuration \(number) is in use\n")
    } catch let status as ExitCode where status == .failure {
      StandardStream.error.write("the new configuration is refused, the previous one stays in use\n")
      throw status
    }
  }
}
