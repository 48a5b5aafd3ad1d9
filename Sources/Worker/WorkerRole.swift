import Configuration
import Linux
import Logging
import Roles
import Systemd

/// The data plane's process: takes its orders, then serves on one thread for each loop until it is told to stop.
package enum WorkerRole {
  /// Runs the worker on the control socket that its supervisor gave it, and returns the process's exit status.
  package static func run(control: consuming Descriptor) -> Int32 {
    CurrentProcess.dieWithParent()
    do throws(ControlError) {
      let channel: ControlChannel
      do throws(SystemError) { channel = try ControlChannel(owning: control) } catch { throw .system(error) }
      let orders = try channel.receiveOrders()
      let service: WorkerService
      let file = orders.configuration
      var loaded = Configuration.load(bytes: Array(file.text.utf8), fileName: file.fileName, hostName: file.hostName)
      do throws(GenerationError) {
        guard let configuration = loaded.configuration else { throw GenerationError("") }
        OperationalLog.bootstrap(
          target: OperationalLog.Target(rawValue: configuration.log.target.rawValue) ?? .automatic,
          level: Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info)
        service = try WorkerService(orders, configuration, channel: channel, log: Logger(label: "worker"))
        try service.start(orders.listeners)
      } catch {
        channel.send(.refused(reason: reason(of: error, &loaded)))
        return ExitStatus.refused
      }
      warn(of: &loaded)
      try channel.run(service.handle)
      service.finish()
      channel.send(.stopped)
      return ExitStatus.stopped
    } catch {
      Logger(label: "worker").error("\(error)")
      return ExitStatus.lost
    }
  }

  /// What is wrong with the configuration and the files that it names, each with its place; the error itself when it
  /// is neither's fault.
  private static func reason(of error: GenerationError, _ loaded: inout Configuration.Loaded) -> String {
    loaded.checkFiles(at: now)
    let errors = loaded.diagnostics.filter { $0.severity == .error }
    return errors.isEmpty ? error.reason : errors.map(\.line).joined(separator: "; ")
  }

  /// Says what will be the matter with the files soon, or is already without being an error. It is asked for when the
  /// threads serve: reading everything once more takes its time.
  private static func warn(of loaded: inout Configuration.Loaded) {
    let known = Set(loaded.diagnostics)
    loaded.checkFiles(at: now)
    let log = Logger(label: "worker")
    for diagnostic in loaded.diagnostics where !known.contains(diagnostic) { log.warning("\(diagnostic.line)") }
  }

  /// Seconds since 1970.
  private static var now: Int64 { Int64(Clock.wall() / 1_000_000_000) }

  /// The worker's exit statuses, for the supervisor's log.
  enum ExitStatus {
    static let stopped: Int32 = 0
    static let lost: Int32 = 1
    static let refused: Int32 = 2
  }
}
