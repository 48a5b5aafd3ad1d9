import Domain

/// The balancing settings of one Connection Server, fixed for a configuration.
public struct Server: Hashable, Sendable {
  public let id: ServerID
  /// Its share of new clients.
  public let weight: Int
  /// Accepts new clients only when no primary server can.
  public let isBackup: Bool

  /// The weight must be in `ServerWeight.range`.
  public init(name: String, weight: Int = 1, isBackup: Bool = false) {
    self.init(id: ServerID(name: name), weight: weight, isBackup: isBackup)
  }

  private init(id: ServerID, weight: Int, isBackup: Bool) {
    precondition(ServerWeight.range ~= weight, "weight outside 0 to 256")
    self.id = id
    self.weight = weight
    self.isBackup = isBackup
  }

  /// A copy with another weight.
  public func weighing(_ weight: Int) -> Server { Server(id: id, weight: weight, isBackup: isBackup) }
}
