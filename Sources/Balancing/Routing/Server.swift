/// What balancing knows of one Connection Server: fixed for a configuration's life.
package struct Server: Hashable, Sendable {
  package let id: ServerID
  package let name: String
  /// The server's share of new clients in proportion to the others', `0 ≤ weight ≤ 256`. 0: known clients only.
  package let weight: Int
  /// Takes new clients only when no server without this mark can.
  package let isBackup: Bool
  /// How many connections it is given at once.
  package let connectionLimit: Int

  package init(name: String, weight: Int = 1, isBackup: Bool = false, connectionLimit: Int = .max) {
    precondition(0...Server.maximumWeight ~= weight, "weight outside 0 to 256")
    self.id = ServerID(name: name)
    self.name = name
    self.weight = weight
    self.isBackup = isBackup
    self.connectionLimit = connectionLimit
  }

  /// The same server with another weight.
  package func weighing(_ weight: Int) -> Server {
    Server(name: name, weight: weight, isBackup: isBackup, connectionLimit: connectionLimit)
  }

  /// The range that operators know from HAProxy.
  package static let maximumWeight = 256
}

/// Which clients a server can be given at the moment.
package enum ServerState: UInt8, CaseIterable, Sendable, CustomStringConvertible {
  /// Nobody: it does not answer.
  case down
  /// Everybody.
  case up
  /// Those that it already knows: it is being emptied, by its administrator (503) or ours.
  case drain
  /// Nobody, by order.
  case maintenance

  package var description: String {
    switch self {
    case .down: "down"
    case .up: "up"
    case .drain: "drain"
    case .maintenance: "maintenance"
    }
  }
}
