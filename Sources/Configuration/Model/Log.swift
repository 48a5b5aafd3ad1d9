import Domain

extension Configuration {
  /// What is written where.
  package struct Log: Equatable, Sendable {
    /// The least severe message of the operational log that is written.
    package var level = Level.info
    package var target = Target.automatic
    /// Syslog's facility of the operational log in the journal, and of the access log in the journal and in syslog.
    package var facility = Facility.daemon
    /// One line a request; nil when switched off.
    package var access: Access? = Access()

    /// Severities, the lowest first.
    package enum Level: String, CaseIterable, Sendable {
      case debug, info, notice, warning, error
    }

    /// Where the operational log goes.
    package enum Target: String, CaseIterable, Sendable {
      /// The journal when systemd started the process with its output connected there, otherwise standard error.
      case automatic = "auto"
      case standardError = "stderr"
      case journal
    }

    /// Of syslog (RFC 5424 §6.2.1), those that are a daemon's or for an administrator to give a meaning.
    package enum Facility: String, CaseIterable, Sendable {
      case daemon, user, local0, local1, local2, local3, local4, local5, local6, local7

      /// Syslog's number for it.
      package var code: UInt8 {
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

    /// The access log.
    package struct Access: Equatable, Sendable {
      package var format = Format.httplog
      package var target = AccessTarget.standardOutput
      package var queries = LoggedQueries.hash

      /// What a line of the access log looks like.
      package enum Format: String, CaseIterable, Sendable {
        /// HAProxy's `option httplog`, field by field.
        case httplog
        /// One JSON object a line.
        case json
      }
    }

    /// Where the access log goes.
    package enum AccessTarget: Hashable, Sendable {
      /// Under systemd that is the journal.
      case standardOutput
      /// The journal itself, with client and server as fields.
      case journal
      /// The machine's syslog, by `/dev/log`.
      case syslog
      /// A file that lines are appended to.
      case file(String)
    }
  }
}
