import Logging

/// What the log says about reloads.
enum ReloadNote: Equatable {
  /// Asked for while one is under way.
  case another
  /// Asked for while no worker serves.
  case postponed
  case serves(generation: UInt64)
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
    case .another: "reload: one is under way, another follows it"
    case .postponed: "reload: no worker serves at the moment, it follows when one does"
    case .serves(let generation): "reload: generation \(generation) serves"
    case .refused(let line): "reload: refused, the configuration before it goes on serving: \(line)"
    }
  }
}
