import Wire

/// What tells running servers apart: a name that a reload gives another address is another server, with another health,
/// while what runs at the old address goes on there.
public struct ServerPlace: Hashable, Sendable {
  /// As the configuration has it.
  public let name: String
  public let endpoint: Endpoint

  public init(name: String, endpoint: Endpoint) {
    self.name = name
    self.endpoint = endpoint
  }
}

/// Which clients a server can be given at the moment. The raw value is that of messages, the case's name the word of logs
/// and reports.
public enum ServerState: UInt8, CaseIterable, Sendable {
  /// Nobody: it does not answer.
  case down
  /// Everybody.
  case up
  /// Those that it already knows: it is being emptied, by its administrator (503) or ours.
  case drain
  /// Nobody, administratively.
  case maintenance
}

/// What an operator wants of a server, over what its health checks and the configuration say: all of it, not what has
/// changed.
public struct AdminState: Codable, Hashable, Sendable, CustomStringConvertible {
  /// As operators command it; ready is no mode.
  public enum Mode: String, CaseIterable, Codable, Sendable {
    /// Known clients stay, new ones go elsewhere.
    case drain
    /// Nobody.
    case maintenance
  }

  /// Nil: whom its health checks allow.
  public var mode: Mode?
  /// Its share of new clients; nil: the configuration's.
  public var weight: Int?
  public var since: WallTime

  public init(mode: Mode? = nil, weight: Int? = nil, since: WallTime) {
    self.mode = mode
    self.weight = weight
    self.since = since
  }

  /// What is not set is there, and null.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(mode, forKey: .mode)
    try members.encode(weight, forKey: .weight)
    try members.encode(since, forKey: .since)
  }

  /// `drain, weight 5`.
  public var description: String {
    [mode?.rawValue, weight.map { "weight \($0)" }].compactMap { $0 }.joined(separator: ", ")
  }
}

/// What a server may be called, and whatever else the file gives a name that is one word.
public enum ServerName {
  /// Names stand in log lines whose fields are separated by spaces and slashes.
  public static func isValid(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && name.utf8.allSatisfy { HostName.isLabelByte($0) || $0 == UInt8(ascii: ".") }
  }
}

/// A server's share of new clients in proportion to the others'. 0: known clients only.
public enum ServerWeight {
  /// The range that operators know from HAProxy.
  public static let range = 0...256
}
