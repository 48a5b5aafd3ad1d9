import Linux

/// The source of an event of the supervisor's poller.
typealias SupervisorToken = PollerToken<SupervisorEventSource>

enum SupervisorEventSource: UInt64 {
  case signals
  /// The worker's process or its socket.
  case worker
  /// The result of a write of the administrative state file is known.
  case adminStateFile
  /// Answers with a status are encoded.
  case statusEncoder
  case operatorListener
  /// Its key is the connection's.
  case operatorConnection
  /// A process at one end of a stream.
  case streams
  /// A process that follows clients.
  case traces
  /// Interface and address changes from the kernel.
  case routes
  /// A hook, a script or the mail system has ended.
  case programs
  /// Its index is the virtual router's.
  case advertisements
  /// Claims of virtual addresses; its index is the virtual router's.
  case claims
}
