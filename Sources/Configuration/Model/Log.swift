import Domain

extension Configuration {
  /// The operational log and the access log.
  package struct Log: Equatable, Sendable {
    /// The minimum severity of the operational log.
    package var level = LogLevel.info
    package var target = LogTarget.automatic
    /// The syslog facility of the operational log in the journal, and of the access log in the journal and in syslog.
    package var facility = LogFacility.daemon
    /// One line per request; nil when disabled.
    package var access: Access? = Access()

    /// The defaults.
    package init() {}

    /// The access log.
    package struct Access: Equatable, Sendable {
      package var format = Format.httplog
      package var target = AccessTarget.standardOutput
      package var queries = LoggedQueries.hash

      /// The format of access log lines.
      package enum Format: String, CaseIterable, Sendable {
        /// HAProxy's `option httplog`, field by field.
        case httplog
        /// One JSON object per line.
        case json
      }
    }

    /// The destination of the access log.
    package enum AccessTarget: Hashable, Sendable {
      /// With systemd this is the journal.
      case standardOutput
      /// The journal, with client and server as fields.
      case journal
      /// The local syslog, through `/dev/log`.
      case syslog
      /// A file to which lines are appended.
      case file(String)
    }
  }
}
