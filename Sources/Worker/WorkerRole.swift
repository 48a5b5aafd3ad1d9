import Linux
import Logging
import Roles

/// The data plane's process: takes its orders, then serves on one thread for each loop until it is told to stop.
package enum WorkerRole {
  /// Runs the worker on the control socket that its supervisor gave it, and returns the process's exit status.
  package static func run(control: consuming Descriptor) -> Int32 {
    CurrentProcess.dieWithParent()
    let log = Logger(label: "worker")
    do throws(ControlError) {
      let channel: ControlChannel
      do throws(SystemError) { channel = try ControlChannel(owning: control) } catch { throw .system(error) }
      let orders = try channel.receiveOrders()
      let service: WorkerService
      do throws(GenerationError) {
        service = try WorkerService(orders, channel: channel, log: log)
        try service.start(orders.listeners)
      } catch {
        channel.send(.refused(reason: error.reason))
        return ExitStatus.refused
      }
      try channel.run(service.handle)
      service.finish()
      channel.send(.stopped)
      return ExitStatus.stopped
    } catch {
      log.error("\(error)")
      return ExitStatus.lost
    }
  }

  /// The worker's exit statuses, for the supervisor's log.
  enum ExitStatus {
    static let stopped: Int32 = 0
    static let lost: Int32 = 1
    static let refused: Int32 = 2
  }
}
