import ArgumentParser
import Configuration
import Linux
import Observer
import Supervisor
import Systemd

struct ObserveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "observe",
    abstract: "Show the running service to Prometheus and to browsers.",
    discussion: """
      Answers http or https requests where `observe` of the configuration says: a page at /, metrics at /metrics; \
      docs/metrics.md describes both. It is a process of its own, which belvedere-observe.service starts. The service sends it a report \
      every second; it can neither ask the service for anything nor change it, and its end affects no client.

      Reads the configuration, the token and the certificate at its start only.
      """)

  @OptionGroup var file: ConfigurationFile

  @Option(
    help: ArgumentHelp("The socket that the running service sends its reports to.", valueName: "path"),
    completion: .file())
  var socket = StatusPublisher.standardPath

  /// For programs that start it as a child: tests.
  @Flag(
    help: ArgumentHelp("End at once when the parent process dies.", visibility: .hidden))
  var dieWithParent = false

  func run() throws {
    if dieWithParent { CurrentProcess.dieWithParent() }
    let loaded = Configuration.load(
      bytes: try file.read(), fileName: file.path, hostName: CurrentProcess.hostName(),
      credentials: CurrentProcess.credentials)
    // The supervisor has already printed the warnings.
    let configuration = try loaded.configuration ?? loaded.accepted()
    do {
      let reports =
        try DescriptorStore.takePassed().first.map { Descriptor(owning: $0.number) } ?? LocalSocket.listen(at: socket)
      try ObserverRole.run(configuration, reports: SharedDescriptor(reports), version: Versions.belvedere)
    } catch {
      throw ExitCode.failure("\(error)")
    }
  }
}
