import Domain
import Wire

/// All virtual routers of a node. The members of a group change their roles together, and a fault of one is a fault of
/// all, so that an IPv4 and an IPv6 address, or two networks, stay on the same node.
///
/// Pure, with the calling rules of `VirtualRouter`.
package struct RouterSet: Sendable {
  /// An effect for the virtual router at an index.
  package struct Effect: Hashable, Sendable {
    package let router: Int
    package let effect: VirtualRouter.Effect
  }

  package private(set) var routers: [VirtualRouter]
  private let groups: [String?]

  /// Indices of effects and events are those of `routers`. A virtual router without a group is independent.
  package init(_ routers: [VirtualRouter], groups: [String?]) {
    self.routers = routers
    self.groups = groups
  }

  /// When `handle(.timer)` is due next.
  package var deadline: Instant? { routers.compactMap(\.deadline).min() }

  /// Passes the event to every virtual router.
  package mutating func handle(_ event: VirtualRouter.Event, at now: Instant) -> [Effect] {
    routers.indices.flatMap { handle(event, for: $0, at: now) }
  }

  /// Passes the event to one virtual router, and its consequences to the others of its group.
  package mutating func handle(_ event: VirtualRouter.Event, for index: Int, at now: Instant) -> [Effect] {
    let before = routers[index].conditions.ownFaults.first
    let effects = routers[index].handle(event, at: now)
    var all = effects.map { Effect(router: index, effect: $0) }
    guard let group = groups[index] else { return all }
    for case .transitioned(let transition) in effects {
      guard let consequence = Self.consequence(of: transition) else { continue }
      for other in others(than: index, in: group) { all += deliver(consequence, to: other, at: now) }
    }
    if routers[index].conditions.ownFaults.first != before {
      for member in routers.indices where groups[member] == group {
        let fault = others(than: member, in: group).compactMap { routers[$0].conditions.ownFaults.first }.first
        if fault != routers[member].conditions.groupFault {
          all += deliver(.groupFault(fault), to: member, at: now)
        }
      }
    }
    return all
  }

  /// The event for the other members of a group after a transition. A transition that the group caused has no further
  /// consequence.
  private static func consequence(of transition: Transition) -> VirtualRouter.Event? {
    switch (transition.to, transition.reason) {
    case (_, .group), (_, .noTakeover): nil
    case (.active, _): .groupTookOver
    case (.backup, .better), (.backup, .unheardActive), (.backup, .rejectedActive), (.backup, .settled): .groupYielded
    case (.backup, _), (.initialize, _), (.fault, _): nil
    }
  }

  private func others(than index: Int, in group: String) -> [Int] {
    routers.indices.filter { $0 != index && groups[$0] == group }
  }

  private mutating func deliver(_ event: VirtualRouter.Event, to index: Int, at now: Instant) -> [Effect] {
    routers[index].handle(event, at: now).map { Effect(router: index, effect: $0) }
  }
}
