// What the operational log of both processes is like.

/// The least severe message that is written.
public enum LogLevel: String, CaseIterable, Sendable {
  case debug, info, notice, warning, error
}

/// Where it goes.
public enum LogTarget: String, CaseIterable, Sendable {
  /// The journal when systemd started the process with its output connected there, otherwise standard error.
  case automatic = "auto"
  case standardError = "stderr"
  case journal
}

/// Of syslog (RFC 5424 §6.2.1), those that are a daemon's or for an administrator to give a meaning.
public enum LogFacility: String, CaseIterable, Sendable {
  case daemon, user, local0, local1, local2, local3, local4, local5, local6, local7

  /// Syslog's number for it.
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
