import Domain
import Wire

/// The state that a node sends to the others once a second, as a sign of life, and at once when a role, a priority or
/// the number of healthy servers changes. Lists longer than their limits are truncated.
package struct NodeVitals: Hashable, Sendable {
  package static let routerLimit = 64
  package static let serviceLimit = 64
  /// Maximum size of the encoded bytes: both lists at their limits, with names of 64 bytes.
  package static let byteLimit = 12_288

  /// Its wall clock when this was written.
  package var wall: WallTime
  package var sessions: UInt64 = 0
  /// Of clients.
  package var connections: UInt64 = 0
  package var routers: [Router] = []
  /// Those whose servers have all been checked.
  package var services: [NodeService] = []

  /// A virtual router of the node.
  package struct Router: Hashable, Sendable {
    package var name: String
    package var role: VirtualRouterRole
    /// The effective one.
    package var priority: UInt8
    /// The VRID.
    package var identifier: UInt8
    /// The source address of its advertisements; nil: none.
    package var source: IPAddress?
    /// It is Backup only because another node has reported that it is Active.
    package var isSettled: Bool

    package init(
      name: String, role: VirtualRouterRole, priority: UInt8, identifier: UInt8, source: IPAddress?,
      isSettled: Bool = false
    ) {
      self.name = name
      self.role = role
      self.priority = priority
      self.identifier = identifier
      self.source = source
      self.isSettled = isSettled
    }
  }

  package init(wall: WallTime) { self.wall = wall }

  /// Whether this is to be sent at once, because it differs in more than the clock and the load.
  package func isNews(after earlier: NodeVitals) -> Bool {
    routers != earlier.routers || services != earlier.services
  }
}

extension [NodeService] {
  /// Whether a node with these services reaches fewer servers than another one: at least `margin` fewer of one service,
  /// and not more of any. Then no client loses by a move to the other node. Of several nodes there is one that none is
  /// ahead of, and two are never behind each other.
  ///
  /// A service counts that both nodes have checked and have the same number of servers of: with another number, a
  /// configuration is being changed.
  package func reachesFewer(than other: Self, by margin: Int) -> Bool {
    let theirs = Dictionary(other.map { ($0.name, $0) }) { $1 }
    let gaps = compactMap { mine -> Int? in
      guard let theirs = theirs[mine.name], theirs.servers == mine.servers else { return nil }
      return Int(theirs.healthy) - Int(mine.healthy)
    }
    return gaps.contains { $0 >= margin } && gaps.allSatisfy { $0 >= 0 }
  }
}
