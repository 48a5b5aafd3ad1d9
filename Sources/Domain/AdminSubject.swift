/// What an administrative state is of: a server, by its full name, or a whole service. Both are stored and sent under one
/// name; a service's ends with a slash, which no server's does.
public enum AdminSubject: Hashable, Sendable, CustomStringConvertible {
  case server(String)
  /// Its name; empty where the configuration has one service without a name.
  case service(String)

  /// From the name under which the state is stored.
  public init(key: String) { self = key.last == "/" ? .service(String(key.dropLast())) : .server(key) }

  /// The name under which the state is stored.
  public var key: String {
    switch self {
    case .server(let name): name
    case .service(let name): name + "/"
    }
  }

  /// The name in the configuration.
  public var name: String {
    switch self {
    case .server(let name), .service(let name): name
    }
  }

  /// What another subject must have in common with it to be the same one under another name.
  public var likeness: String {
    switch self {
    case .server(let name): String(ServerName.parts(of: name).name)
    case .service: "/"
    }
  }

  /// Whether it may have this state: a service is in maintenance or it is not.
  public func allows(_ state: AdminState) -> Bool {
    switch self {
    case .server: true
    case .service: state.weight == nil && state.mode != .drain
    }
  }

  /// As in the log: `server view01`, `service cards`, `service`.
  public var description: String {
    switch self {
    case .server(let name): "server \(name)"
    case .service(let name): name.isEmpty ? "service" : "service \(name)"
    }
  }

  /// The state of this subject in words: `drain, weight 5`, `maintenance on`.
  public func words(for state: AdminState) -> String {
    switch self {
    case .server: "\(state)"
    case .service: state.mode == .maintenance ? "maintenance on" : "maintenance off"
    }
  }
}
