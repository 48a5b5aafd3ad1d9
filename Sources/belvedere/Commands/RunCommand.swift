import ArgumentParser
import Configuration
import Domain
import Linux
import Logging
import ReferencedFiles
import Supervisor
import Systemd
import TLS

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Serve in the foreground until stopped.",
    discussion: """
      Runs as two processes: a supervisor that owns the listeners, and a worker that serves. A worker that dies or \
      hangs is replaced; new connections wait meanwhile.

      SIGTERM or SIGINT (Ctrl-C) is an orderly stop: no new connections are accepted, and running requests may finish \
      within `timeouts.stop` of the configuration. A second signal stops at once, after the virtual address has been \
      handed over.

      The log goes to the journal under systemd, otherwise to standard error; the access log goes to standard output. \
      The configuration can change both (`log`).

      SIGHUP reloads the configuration, like `belvedere reload`, which also prints the result. SIGUSR1 \
      opens the file of the access log again, for logrotate. SIGUSR2, SIGPWR and similar signals are ignored.

      FILES
        /etc/belvedere/belvedere.yaml  the configuration
        /run/belvedere/control.sock    the control socket
      """)

  @OptionGroup var file: ConfigurationFile
  @OptionGroup var control: ControlSocket

  /// For programs that start the service as a child: `belvedere demo`, tests.
  @Flag(
    help: ArgumentHelp("End at once, without clean-up, when the parent process dies.", visibility: .hidden))
  var dieWithParent = false

  /// For tests without systemd.
  @Option(
    help: ArgumentHelp(
      "The socket of the service that runs hooks and sends mail.", valueName: "path", visibility: .hidden))
  var notifier = Notifier.standardPath

  /// For tests without systemd.
  @Option(
    help: ArgumentHelp(
      "The socket of the service that receives files from other nodes.", valueName: "path", visibility: .hidden))
  var receiver = ServicePlan.receiverPath

  @Option(help: ArgumentHelp("The socket of `belvedere observe`.", valueName: "path"))
  var observer = StatusPublisher.standardPath

  func run() throws {
    if dieWithParent { CurrentProcess.dieWithParent() }
    Signals.ignoreUnhandled()
    try SupervisorRole.dropPrivileges()
    let text = try file.read()
    let hostName = CurrentProcess.hostName()
    var loaded = Configuration.load(
      bytes: text, fileName: file.path, hostName: hostName, credentials: CurrentProcess.credentials)
    let configuration = try loaded.accepted()
    OperationalLog.bootstrap(
      target: configuration.log.target, level: configuration.log.level, facility: configuration.log.facility)
    var plan = try plan(configuration, text: text, hostName: hostName)
    plan.sockets = (notifier, receiver, observer)
    let log = Logger(label: "supervisor")
    loaded.warnOfObserver(log)
    let shortfalls = configuration.shortfalls(on: .ofThisService)
    for shortfall in shortfalls { log.warning("limits: \(shortfall)") }
    plan.warnings = loaded.diagnostics.map(\.rendered) + shortfalls.map { "warning: \($0)" }
    throw ExitCode(
      SupervisorRole.run(
        plan, control: control.path, version: Versions.belvedere,
        digest: { key, message in Digest.hmacSHA256(key: key, message) },
        reread: { [file, control] () throws(ReloadRefusal) in
          try file.plan(hostName: hostName, control: control.path)
        }))
  }

  /// The plan of the service; if a key is unusable, prints the reason and exits with status 1.
  private func plan(_ configuration: Configuration, text: [UInt8], hostName: String) throws -> ServicePlan {
    do throws(KeyFailure) {
      return try ServicePlan(configuration, text: text, fileName: file.path, hostName: hostName)
    } catch {
      throw ExitCode.failure("\(error)")
    }
  }
}

extension Configuration.Loaded {
  /// Logs warnings about the files of `belvedere observe`; the worker logs those about its own.
  fileprivate mutating func warnOfObserver(_ log: Logger) {
    let known = Set(diagnostics)
    checkObserverFiles(at: Clock.wall())
    for diagnostic in diagnostics where !known.contains(diagnostic) { log.warning("\(diagnostic.line)") }
  }
}
