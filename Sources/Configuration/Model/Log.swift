import Domain

extension Configuration {
  /// What is written where.
  package struct Log: Equatable, Sendable {
    /// The least severe message of the operational log that is written.
    package var level = LogLevel.info
    package var target = LogTarget.automatic
    /// Syslog's facility of the operational log in the journal, and of the access log in the journal and in syslog.
    package var facility = LogFacility.daemon
    /// One line a request; nil when switched off.
    package var access: Access? = Access()

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
