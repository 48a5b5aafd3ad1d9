import Linux
import Logging
import Systemd

/// The process that keeps the service up.
package enum SupervisorRole {
  /// Brings the service up, keeps it up until it is told to stop, and returns the process's exit status.
  /// `reread` makes a plan of the configuration as it is then, for a reload.
  package static func run(
    _ plan: ServicePlan, reread: @escaping () -> Result<ServicePlan, ReloadRefusal>
  ) -> Int32 {
    let log = Logger(label: "supervisor")
    defer { OperationalLog.flush() }
    do {
      _ = try CurrentProcess.raiseOpenFileLimit()
      let listeners = try ListenerSet(plan.places, loops: plan.loops)
      return try Supervision(plan, listeners: listeners, log: log, reread: reread).run()
    } catch {
      log.error("\(error)")
      return 1
    }
  }
}
