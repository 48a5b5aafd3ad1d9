import Linux
import Logging
import Systemd
import VRRP
import Wire

/// The process that keeps the service up.
package enum SupervisorRole {
  /// Brings the service up, keeps it up until it is told to stop, and returns the process's exit status.
  /// Operators ask at the path `control`; `version` is this binary's. `digest` signs advertisements. `reread` makes a
  /// plan of the configuration as it is then, for a reload.
  package static func run(
    _ plan: ServicePlan, control: String, version: String, digest: @escaping KeyedAuthentication.Digest,
    reread: @escaping () -> Result<ServicePlan, ReloadRefusal>
  ) -> Int32 {
    let log = Logger(label: "supervisor")
    defer {
      ServiceNotification.flush()
      OperationalLog.flush()
    }
    var passed = PassedListeners.take()
    do {
      _ = try CurrentProcess.raiseOpenFileLimit()
      let listeners = try ListenerSet(plan.places, loops: plan.loops, passed: &passed)
      for (name, endpoint) in passed.unclaimed {
        log.warning(
          "systemd passed a socket on \(endpoint) (\(name)), where nothing is configured to listen; it is closed")
        ServiceNotification.forget(name: name).send()
      }
      passed = PassedListeners()
      let operators = try OperatorSocket(at: control, log: log)
      let stateFile = try AdminStateFile(log: log)
      defer { stateFile.waitForEnd(until: Clock.monotonic() + .seconds(1)) }
      let poller = try Poller()
      try stateFile.watch(poller)
      let failover = FailoverService(try routers(of: plan, digest: digest, control: control, poller: poller, log: log))
      let service = Supervision(
        ServiceOrigin(version: version, reread: reread), try ActiveConfiguration(plan, listeners: listeners),
        operators: operators, admin: AdminControl(plan, file: stateFile, log: log), failover: failover,
        poller: poller, log: log)
      return try SupervisorLoop(service).run()
    } catch {
      log.error("\(error)")
      return 1
    }
  }

  /// Nil where no address is shared.
  private static func routers(
    of plan: ServicePlan, digest: @escaping KeyedAuthentication.Digest, control: String, poller: borrowing Poller,
    log: Logger
  ) throws(SystemError) -> VirtualRouters? {
    guard !plan.routers.isEmpty else { return nil }
    return try VirtualRouters(
      plan.routers, digest: digest, leaseFile: LeaseFile(besides: control), notifier: plan.notifier, poller: poller,
      log: log)
  }

  /// Keeps what listeners below port 1024 and the virtual address with its deadlines need, and hands none of it on: the
  /// worker is born with no capability, unless it is root who starts the service by hand. Rights are a thread's, so this
  /// comes before the first other one is started.
  package static func giveUpRights() throws(SystemError) {
    try Privileges.hideMemory()
    try Privileges.keep([.bindService, .networkAdministration, .rawSockets, .scheduling])
    try Privileges.forbidNew()
  }
}
