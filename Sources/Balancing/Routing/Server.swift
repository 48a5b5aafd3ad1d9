import Domain

/// What balancing knows of one Connection Server: fixed for a configuration's life.
public struct Server: Hashable, Sendable {
  public let id: ServerID
  /// Its share of new clients.
  public let weight: Int
  /// Takes new clients only when no server without this mark can.
  public let isBackup: Bool

  /// The weight is in `ServerWeight.range`.
  public init(name: String, weight: Int = 1, isBackup: Bool = false) {
    self.init(id: ServerID(name: name), weight: weight, isBackup: isBackup)
  }

  private init(id: ServerID, weight: Int, isBackup: Bool) {
    precondition(ServerWeight.range ~= weight, "weight outside 0 to 256")
    self.id = id
    self.weight = weight
    self.isBackup = isBackup
  }

  /// The same server with another weight.
  public func weighing(_ weight: Int) -> Server { Server(id: id, weight: weight, isBackup: isBackup) }
}
