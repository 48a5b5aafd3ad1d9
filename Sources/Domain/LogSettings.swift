// The settings of the operational log of both processes.

/// The minimum severity of logged messages.
public enum LogLevel: String, CaseIterable, Sendable {
  case debug, info, notice, warning, error
}

/// The destination of the log.
public enum LogTarget: String, CaseIterable, Sendable {
  /// The journal if systemd started the process with its output connected to it, otherwise standard error.
  case automatic = "auto"
  case standardError = "stderr"
  case journal
}

/// The syslog facilities (RFC 5424 §6.2.1) for daemons and for local use.
public enum LogFacility: String, CaseIterable, Sendable {
  case daemon, user, local0, local1, local2, local3, local4, local5, local6, local7

  /// The numerical code of the facility.
  public var code: UInt8 {
    switch self {
    case .user: 1
    case .daemon: 3
    case .local0: 16
    case .local1: 17
    case .local2: 18
    case .local3: 19
    case .local4: 20
    case .local5: 21
    case .local6: 22
    case .local7: 23
    }
  }
}
