import Domain
import Logging

/// A state of a server or a service that was not requested here.
enum AdminStateNote: Equatable {
  /// Requested on another node.
  case learned(String, AdminState)
  /// The server or service has another name in another configuration.
  case moved(String, to: String, AdminState)
  /// Any of these servers of another configuration may be the one.
  case dropped(String, AdminState, [String])
  /// The configuration no longer has this service, which was in maintenance.
  case ended(String)

  var level: Logger.Level {
    switch self {
    case .learned, .moved: .notice
    case .dropped, .ended: .warning
    }
  }

  var text: String {
    switch self {
    case .learned(let key, let state):
      switch AdminSubject(key: key) {
      case .server(let name): "server \(name): \(state), requested on \(state.node ?? "another node")"
      case let service: "\(service): \(service.words(for: state)), requested on \(state.node ?? "another node")"
      }
    case .moved(let key, let heir, let state):
      switch AdminSubject(key: key) {
      case .server(let name): "server state: \(name) is called \(heir) now, and keeps \(state)"
      case let service:
        "server state: \(service) is called \(AdminSubject(key: heir).name) now, and keeps \(service.words(for: state))"
      }
    case .dropped(let name, let state, let heirs):
      "server state: \(name) \(state) is dropped: it is not clear which server this is now (\(heirs.joined(separator: ", "))); repeat the command"
    case .ended(let key):
      "server state: \(AdminSubject(key: key)) is not configured any more, and its maintenance has ended"
    }
  }
}
