import ArgumentParser
import Configuration
import Linux
import Supervisor

struct NotifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "notify",
    abstract: "Run the hooks of a virtual router and send its mail.",
    discussion: """
      For belvedere-notify@.service, which systemd starts for each change that the service reports on \
      /run/belvedere-notify.sock. Reads the change from standard input, a socket, and does what `notify` and `mail` of \
      the configuration say. With --at it reports the change.
      """,
    shouldDisplay: false)

  @OptionGroup var file: ConfigurationFile

  @Option(name: .customLong("at"), help: ArgumentHelp("The socket to report the change to.", valueName: "path"))
  var socket: String?

  @Argument(help: ArgumentHelp("The change.", valueName: "change"))
  var change: String?

  func validate() throws {
    guard (socket == nil) == (change == nil) else { throw ValidationError("give --at and a change together") }
  }

  func run() throws {
    Signals.ignoreBrokenPipes()
    let failures: [String]
    do {
      failures = try perform()
    } catch let exit as ExitCode {
      throw exit
    } catch {
      throw ExitCode.failure("hooks and mail: \(error)")
    }
    for line in failures { StandardStream.error.write(line + "\n") }
    if !failures.isEmpty { throw ExitCode.failure }
  }

  private func perform() throws -> [String] {
    if let socket, let change { return try Notifier.report(change, at: socket) }
    let loaded = Configuration.load(
      bytes: try file.read(), fileName: file.path, hostName: CurrentProcess.hostName(),
      credentials: CurrentProcess.credentials)
    // The supervisor has already printed the warnings.
    return try Notifier.serve(try (loaded.configuration ?? loaded.accepted()).virtualRouters)
  }
}
