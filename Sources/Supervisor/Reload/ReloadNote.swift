import Logging

/// Log messages about reloads.
enum ReloadNote: Equatable {
  /// Requested while one is in progress.
  case another
  /// Requested while no worker serves.
  case postponed
  case serves(number: UInt64)
  /// One line of the reason.
  case refused(String)

  var level: Logger.Level {
    switch self {
    case .another: .info
    case .postponed, .serves: .notice
    case .refused: .error
    }
  }

  var text: String {
    switch self {
    case .another: "reload: already running, another one follows"
    case .postponed: "reload: no worker serves at the moment, the reload follows when one does"
    case .serves(let number): "reload: configuration \(number) is in use"
    case .refused(let line): "reload: refused, the previous configuration stays in use: \(line)"
    }
  }
}
