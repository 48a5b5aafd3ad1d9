import Linux
import Logging
import Systemd
import VRRP
import Wire

/// The supervisor process.
package enum SupervisorRole {
  /// Runs the service until it is stopped, and returns the exit status. `control` is the path of the control socket;
  /// `version` is this binary's. `digest` signs advertisements. `reread` reads the configuration file again and makes a
  /// plan, for a reload.
  package static func run(
    _ plan: ServicePlan, control: String, version: String, digest: @escaping KeyedAuthentication.Digest,
    reread: @escaping () throws(ReloadRefusal) -> ServicePlan
  ) -> Int32 {
    let log = Logger(label: "supervisor")
    defer {
      ServiceNotification.flush()
      OperationalLog.flush()
    }
    var passed = PassedListeners.take()
    do {
      _ = try CurrentProcess.raiseOpenFileLimit()
      let listeners = try ListenerSet(plan.listeners, loops: plan.loops, passed: &passed)
      for (name, endpoint) in passed.unclaimed {
        log.warning(
          "systemd passed a socket on \(endpoint) (\(name)), where nothing is configured to listen; it is closed")
        ServiceNotification.forget(name: name).send()
      }
      passed = PassedListeners()
      let operators = try OperatorSocket(at: control, receiver: plan.sockets.receiver, log: log)
      let stateFile = try AdminStateFile(log: log)
      defer { stateFile.waitForEnd(until: Clock.monotonic() + .seconds(1)) }
      let poller = try Poller()
      try stateFile.watch(poller)
      try operators.encoder.watch(poller)
      let publisher = try StatusPublisher(to: plan.sockets.observer, log: log)
      let failover = FailoverService(try routers(of: plan, digest: digest, control: control, poller: poller, log: log))
      let service = Supervision(
        ServiceOrigin(version: version, reread: reread), try ActiveConfiguration(plan, listeners: listeners),
        operators: operators, admin: AdminControl(plan, file: stateFile, log: log), failover: failover,
        poller: poller, log: log)
      return try SupervisorLoop(service, publisher).run()
    } catch {
      log.error("\(error)")
      return 1
    }
  }

  /// Nil where there are none.
  private static func routers(
    of plan: ServicePlan, digest: @escaping KeyedAuthentication.Digest, control: String, poller: borrowing Poller,
    log: Logger
  ) throws(SystemError) -> VirtualRouters? {
    guard !plan.routers.isEmpty else { return nil }
    return try VirtualRouters(
      plan.routers, digest: digest, leaseFile: LeaseFile(besides: control), notifier: plan.sockets.notifier,
      poller: poller,
      log: log)
  }

  /// Keeps the capabilities for listeners below port 1024 and for the virtual addresses, and passes none on: the worker
  /// starts without capabilities, except when root starts the service by hand. Capabilities are per thread, so this
  /// must run before another thread starts.
  package static func dropPrivileges() throws(SystemError) {
    try Privileges.hideMemory()
    try Privileges.keep([.bindService, .networkAdministration, .rawSockets, .scheduling])
    try Privileges.forbidNew()
  }
}
