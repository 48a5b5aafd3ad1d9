import Wire

/// Identifies a running server: a name to which a reload gives another address is another server, with its own health,
/// while the exchanges at the old address continue.
public struct ServerIdentity: Hashable, Sendable {
  /// As in the configuration.
  public let name: String
  public let endpoint: Endpoint

  public init(name: String, endpoint: Endpoint) {
    self.name = name
    self.endpoint = endpoint
  }
}

/// Which clients a server accepts. The raw value is used in messages, the case's name in logs and reports.
public enum ServerState: UInt8, CaseIterable, Sendable {
  /// None: it does not respond.
  case down
  /// All.
  case up
  /// Those that are assigned to it: its administrator (503) or ours is draining it.
  case drain
  /// None, administratively.
  case maintenance

  /// Whether it responds, and keeps the clients that are assigned to it.
  public var takesKnownClients: Bool { self == .up || self == .drain }
}

/// The state of a server in JSON and in texts, `$state`: the case's name, or `unknown` for nil.
@propertyWrapper
public struct ShownState: RawRepresentable, Codable, Hashable, Sendable {
  public var wrappedValue: ServerState?
  public var projectedValue: String { rawValue }

  public init(wrappedValue: ServerState?) { self.wrappedValue = wrappedValue }

  /// Nil for another word.
  public init?(rawValue: String) {
    wrappedValue = ServerState.allCases.first { "\($0)" == rawValue }
    guard rawValue == self.rawValue else { return nil }
  }

  public var rawValue: String { wrappedValue.map { "\($0)" } ?? "unknown" }
}

/// The syntax of names of servers, and of other names in the file that are one word.
public enum ServerName {
  /// Names are written to log lines whose fields are separated by spaces and slashes.
  public static func isValid(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && name.utf8.allSatisfy { HostName.isNameByte($0) }
  }

  /// The service, if it has a name, and the server's own name: `view` and `view01` of `view/view01`.
  public static func parts(of fullName: String) -> (service: Substring?, name: Substring) {
    guard let slash = fullName.lastIndex(of: "/") else { return (nil, fullName[...]) }
    return (fullName[..<slash], fullName[fullName.index(after: slash)...])
  }

  /// The servers that have another full name in another configuration, with that name: their service has got another
  /// one. Servers are alike if they differ in nothing else (`key`). One is meant only if it can be no other: of those
  /// that are alike, exactly one is gone, and exactly one is new.
  public static func renamed<Server: Hashable, Key: Hashable>(
    from former: Set<Server>, to current: Set<Server>, alikeBy key: (Server) -> Key
  ) -> [Server: Server] {
    let gone = Dictionary(grouping: former.subtracting(current), by: key)
    let new = Dictionary(grouping: current.subtracting(former), by: key)
    var renamed: [Server: Server] = [:]
    for (key, servers) in gone {
      if servers.count == 1, let heirs = new[key], heirs.count == 1 { renamed[servers[0]] = heirs[0] }
    }
    return renamed
  }
}

/// A server's share of new clients relative to the others. 0: assigned clients only.
public enum ServerWeight {
  /// The same range as in HAProxy.
  public static let range = 0...256
}
