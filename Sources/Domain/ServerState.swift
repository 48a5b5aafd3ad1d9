import Wire

/// Identifies a running server: a name to which a reload gives another address is another server, with its own health,
/// while the exchanges at the old address continue.
public struct ServerPlace: Hashable, Sendable {
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
}

/// A server's administrative state, which takes precedence over its health checks and the configuration. It is
/// complete, not a change.
public struct AdminState: Codable, Hashable, Sendable, CustomStringConvertible {
  /// As in commands; ready is the absence of a mode.
  public enum Mode: String, CaseIterable, Codable, Sendable {
    /// Assigned clients stay, new ones are routed to other servers.
    case drain
    /// No clients.
    case maintenance
  }

  /// Nil: as its health checks permit.
  public var mode: Mode?
  /// Its share of new clients; nil: the configured one.
  public var weight: Int?
  public var since: WallTime
  /// The node of the pair where it was requested; nil without a pair.
  public var node: String?

  public init(mode: Mode? = nil, weight: Int? = nil, since: WallTime, node: String? = nil) {
    self.mode = mode
    self.weight = weight
    self.since = since
    self.node = node
  }

  /// Whether nothing is set. It is still a state in a pair, where it ends an earlier one.
  public var isReady: Bool { mode == nil && weight == nil }

  /// Whether it replaces another state of the same server: on every node of a pair, the later request counts.
  public func isLater(than other: AdminState) -> Bool {
    (since, node ?? "") > (other.since, other.node ?? "")
  }

  /// Values that are not set are encoded as null, except the node.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(mode, forKey: .mode)
    try members.encode(weight, forKey: .weight)
    try members.encode(since, forKey: .since)
    try members.encodeIfPresent(node, forKey: .node)
  }

  /// `drain, weight 5`, or `ready`.
  public var description: String {
    isReady ? "ready" : [mode?.rawValue, weight.map { "weight \($0)" }].compactMap { $0 }.joined(separator: ", ")
  }
}

/// The syntax of names of servers, and of other names in the file that are one word.
public enum ServerName {
  /// Names are written to log lines whose fields are separated by spaces and slashes.
  public static func isValid(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && name.utf8.allSatisfy { HostName.isLabelByte($0) || $0 == UInt8(ascii: ".") }
  }

  /// The service, if it has a name, and the server's own name: `view` and `view01` of `view/view01`.
  public static func parts(of fullName: String) -> (service: Substring?, name: Substring) {
    guard let slash = fullName.lastIndex(of: "/") else { return (nil, fullName[...]) }
    return (fullName[..<slash], fullName[fullName.index(after: slash)...])
  }
}

/// A server's share of new clients relative to the others. 0: assigned clients only.
public enum ServerWeight {
  /// The same range as in HAProxy.
  public static let range = 0...256
}
