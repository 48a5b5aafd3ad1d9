import Domain
import Logging

/// What became of the state of a server that another configuration does not name, but names others like it.
enum AdminStateNote: Equatable {
  /// The server has another full name.
  case moved(String, to: String, AdminState)
  /// Any of these servers may be the one.
  case dropped(String, AdminState, [String])

  var level: Logger.Level {
    switch self {
    case .moved: .notice
    case .dropped: .warning
    }
  }

  var text: String {
    switch self {
    case .moved(let name, let heir, let state): "server state: \(name) is called \(heir) now, and keeps \(state)"
    case .dropped(let name, let state, let heirs):
      "server state: \(name) \(state) is dropped: it is not clear which server this is now (\(heirs.joined(separator: ", "))); repeat the command"
    }
  }
}
