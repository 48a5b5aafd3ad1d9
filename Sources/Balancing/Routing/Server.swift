/// What balancing knows of one Connection Server: fixed for a configuration's life.
public struct Server: Hashable, Sendable {
  public let id: ServerID
  public let name: String
  /// The server's share of new clients in proportion to the others', `0 ≤ weight ≤ 256`. 0: known clients only.
  public let weight: Int
  /// Takes new clients only when no server without this mark can.
  public let isBackup: Bool
  /// How many connections it is given at once.
  public let connectionLimit: Int

  /// `0 ≤ weight ≤ maximumWeight`; without a limit of connections when none is given.
  public init(name: String, weight: Int = 1, isBackup: Bool = false, connectionLimit: Int = .max) {
    precondition(0...Server.maximumWeight ~= weight, "weight outside 0 to 256")
    self.id = ServerID(name: name)
    self.name = name
    self.weight = weight
    self.isBackup = isBackup
    self.connectionLimit = connectionLimit
  }

  /// The same server with another weight.
  public func weighing(_ weight: Int) -> Server {
    Server(name: name, weight: weight, isBackup: isBackup, connectionLimit: connectionLimit)
  }

  /// The range that operators know from HAProxy.
  public static let maximumWeight = 256
}

/// Which clients a server can be given at the moment.
public enum ServerState: UInt8, CaseIterable, Sendable, CustomStringConvertible {
  /// Nobody: it does not answer.
  case down
  /// Everybody.
  case up
  /// Those that it already knows: it is being emptied, by its administrator (503) or ours.
  case drain
  /// Nobody, administratively.
  case maintenance

  public var description: String {
    switch self {
    case .down: "down"
    case .up: "up"
    case .drain: "drain"
    case .maintenance: "maintenance"
    }
  }
}
