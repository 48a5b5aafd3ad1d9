import Glibc
import Logging

/// Where both roles' operational log goes, decided once at a process's start.
package enum OperationalLog {
  /// The words of the configuration's `log.target`.
  package enum Target: String, Sendable {
    /// The journal when systemd connected standard error to it, otherwise standard error.
    case automatic = "auto"
    case standardError = "stderr"
    case journal
  }

  /// Sets up every logger that is made after this call. Once a process; a later call is a programmer's error.
  package static func bootstrap(target: Target, level: Logger.Level) {
    let toJournal =
      switch target {
      case .automatic: JournalStream.isStandardError && isJournalThere
      case .standardError: false
      case .journal: isJournalThere
      }
    LoggingSystem.bootstrap { label in
      if toJournal {
        JournalLogHandler(label: label, level: level)
      } else {
        StderrLogHandler(label: label, level: level)
      }
    }
    if target == .journal, !toJournal {
      Logger(label: "belvedere").warning("there is no journal on this machine: logging to standard error")
    }
  }

  /// libsystemd drops messages without an error when journald does not run.
  private static var isJournalThere: Bool {
    // SAFETY: the path is a literal.
    unsafe access("/run/systemd/journal/socket", W_OK) == 0
  }
}
