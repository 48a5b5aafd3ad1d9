extension Configuration {
  /// What is written where.
  package struct Log: Equatable, Sendable {
    /// The least severe message of the operational log that is written.
    package var level = Level.info
    package var target = Target.automatic
    /// One line a request; nil when switched off.
    package var access: Access? = Access()

    package init() {}

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

    /// The access log.
    package struct Access: Equatable, Sendable {
      package var format = Format.httplog
      package var target = AccessTarget.standardOutput

      package init() {}

      package enum Format: String, CaseIterable, Sendable {
        /// HAProxy's `option httplog`, field by field.
        case httplog
        /// One JSON object a line.
        case json
      }
    }

    package enum AccessTarget: Hashable, Sendable {
      /// Under systemd that is the journal.
      case standardOutput
      /// A file that lines are appended to.
      case file(String)
    }
  }
}
