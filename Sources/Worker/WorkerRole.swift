import Balancing
import Configuration
import Linux
import Logging
import WorkerProtocol
import Systemd

/// The data plane's process: receives its setup, then serves with one thread for each loop until a stop is requested.
package enum WorkerRole {
  /// Runs the worker on the control socket inherited from its supervisor, and returns the process's exit status. `release`: this
  /// binary's, for other nodes.
  package static func run(control: consuming Descriptor, release: String) -> Int32 {
    defer { OperationalLog.flush() }
    CurrentProcess.dieWithParent()
    Signals.ignoreUnhandled()
    CurrentProcess.raiseOOMScore()
    do throws(ControlError) {
      let channel: ControlChannel
      do throws(SystemError) { channel = try ControlChannel(owning: control) } catch { throw .system(error) }
      let setup = try channel.receiveSetup()
      var loaded = setup.configuration.load()
      let service: WorkerService
      do throws(ConfigurationSnapshotError) {
        let configuration = try loaded.accepted()
        // While there is only one thread: growing the table later, under load, would block the other threads.
        CurrentProcess.makeRoomForDescriptors(DescriptorBudget(configuration).most)
        // From here on the process has no privileges for an attacker to use. The log's thread is started later.
        let confinement: Confinement
        do throws(SystemError) {
          confinement = try Confinement.enter(naming: loaded.files, isPaired: configuration.pair != nil)
        } catch {
          throw ConfigurationSnapshotError("the worker can't confine itself: \(error)")
        }
        OperationalLog.bootstrap(
          target: configuration.log.target, level: configuration.log.level, facility: configuration.log.facility)
        let log = Logger(label: "worker")
        confinement.logGaps(to: log)
        service = try WorkerService(setup, configuration, confinement, channel: channel, release: release, log: log)
        try service.start(setup)
      } catch {
        channel.send(.refused(number: setup.number, reason: loaded.reason(of: error)))
        return ExitStatus.refused
      }
      // After the threads have started to serve, because reading every file again takes time.
      loaded.warnOfFiles(Logger(label: "worker"))
      try channel.run(heartbeats: setup.heartbeats, service.handle)
      service.finish()
      channel.send(.stopped)
      return ExitStatus.stopped
    } catch {
      Logger(label: "worker").error("\(error)")
      return ExitStatus.lost
    }
  }

  /// The worker's exit statuses, which the supervisor logs.
  enum ExitStatus {
    static let stopped: Int32 = 0
    static let lost: Int32 = 1
    static let refused: Int32 = 2
  }
}
