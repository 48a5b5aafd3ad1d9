import Linux

/// What an event of the supervisor's poller is about.
typealias SupervisorToken = PollerToken<SupervisorEventSource>

enum SupervisorEventSource: UInt64 {
  case signals
  /// The worker's process, and its link.
  case worker
  /// It is known what became of the file of administrative states.
  case adminStateFile
  case operatorListener
  /// Its key is the connection's.
  case operatorConnection
  /// The kernel's news of interfaces and addresses.
  case routes
  /// A hook, a script or the mail system has ended.
  case programs
  /// Its index is the virtual router's.
  case advertisements
  /// Claims of virtual addresses; its index is the virtual router's.
  case claims
}
