/// The order in which due checks of many servers begin, and how many of them run at once. After a start all servers are
/// due together: on a busy machine their checks would share its time, and all of them would time out.
///
/// A check has a place from its begin to its end, or until it has waited for its server so long that it costs this
/// machine nothing more: servers that hang take no places from others. `0 ≤ taken`, and nothing begins at `places`.
public struct CheckQueue<Server: Sendable>: Sendable {
  /// The maximum of checks with a place.
  public let places: Int
  private var taken = 0
  private var waiting: [Server] = []

  public init(places: Int) { self.places = places }

  /// Whether a check may begin now.
  public var isReady: Bool { !waiting.isEmpty && taken < places }

  /// Adds a server whose check is due.
  public mutating func append(_ server: Server) { waiting.append(server) }

  /// Removes the server whose check is the next to begin; nil when none may. `begin` must follow, unless the check is
  /// not due any more.
  public mutating func next() -> Server? { isReady ? waiting.removeFirst() : nil }

  /// Takes a place for a check.
  public mutating func begin() { taken += 1 }

  /// Returns a check's place.
  public mutating func leave() { if taken > 0 { taken -= 1 } }
}
