import Domain
import Wire

/// A log message about a virtual router.
package enum RouterNote: Hashable, Sendable {
  /// Its role changed.
  case transition(Transition)
  /// A condition changed its priority.
  case priority(from: UInt8, to: UInt8, priorityReductions: [String])
  /// An Active with a lower rank than ours advertised while we are Active.
  case worseActive(IPAddress, priority: UInt8)
  /// Such advertisements continue.
  case bothActive(IPAddress, priority: UInt8, for: Interval)
  /// Such advertisements ended.
  case duplicateGone(IPAddress)
  /// Another host with this link-layer address announced our address as its own.
  case claimed(by: String)
  /// Another host with this link-layer address has our address, and its advertisements do not arrive: this node becomes
  /// Backup.
  case unheardActive(String)
  /// The same, but its advertisements arrive and are rejected for this reason.
  case rejectedActive(String, IPAddress, AdvertisementRejection)
  /// Another node reports that it is Active, and its advertisements do not arrive: this node leaves the addresses to it.
  case settled(behind: String)
  /// Another node reports that it does not hear this one, which is Active.
  case unheard(by: String)
  /// That is over.
  case heardAgain(String)
  /// Became Active too often in a short time; from now on it waits at least this long.
  case restless(atLeast: Interval)
  /// Another program removed an address from our interface.
  case addressRemoved
  /// This process did not run for longer than the time after which a Backup takes over.
  case suspended(Interval)
  /// The addresses were handed over to this node.
  case handedOver(to: IPAddress)
  case noTakeover
  /// The node is withdrawn by the administrator for at most this long.
  case away(for: Interval)
  /// It takes part in the election again.
  case back

  package var level: LogLevel {
    switch self {
    case .transition, .priority, .worseActive, .duplicateGone, .handedOver, .away, .back, .heardAgain: .notice
    case .addressRemoved, .suspended, .noTakeover, .restless: .warning
    case .bothActive, .claimed, .unheardActive, .rejectedActive, .settled, .unheard: .error
    }
  }

  /// The new role, when the note is a transition.
  package var newRole: VirtualRouterRole? {
    if case .transition(let transition) = self { transition.to } else { nil }
  }

  package var text: String {
    switch self {
    case .transition(let transition): "\(transition)"
    case .priority(let from, let to, let priorityReductions):
      "priority \(to), was \(from)"
        + (priorityReductions.isEmpty ? "" : ": \(priorityReductions.joined(separator: ", "))")
    case .worseActive(let address, let priority):
      "\(address) is Active as well, with priority \(priority): advertising and announcing the address again"
    case .bothActive(let address, let priority, let interval):
      """
      both Active: \(address) has advertised priority \(priority) for \(interval.text) and does not hear us; check \
      that its firewall lets protocol 112 in, that the switch passes multicast (or use `peers`), and that both \
      are in the same network
      """
    case .duplicateGone(let address): "\(address) is no longer Active"
    case .claimed(let owner):
      """
      \(owner) announces our address as its own while we are Active: another virtual router with this address, a \
      host configured with it, or a peer that does not hear us
      """
    case .unheardActive(let owner):
      """
      \(owner) announces our address as its own and we do not hear its advertisements: leaving the address to it. Check \
      that our firewall lets protocol 112 in, that the switch passes multicast (or use `peers`), and that no other \
      machine has this address
      """
    case .rejectedActive(let owner, let sender, let rejection):
      """
      \(owner) announces our address as its own, and the advertisements of \(sender) are rejected: \(rejection). \
      Leaving the address to it
      """
    case .settled(let name):
      """
      \(name) is Active, as it says over the connection of the pair, and its advertisements do not arrive: leaving the \
      address to it. Check that our firewall lets protocol 112 in, that the switch passes multicast (or use `peers`), \
      and that both are in the same network
      """
    case .unheard(let name):
      """
      \(name) does not hear our advertisements, as it says over the connection of the pair, and leaves the address to \
      this node. Check that its firewall lets protocol 112 in, that the switch passes multicast (or use `peers`), and \
      that both are in the same network
      """
    case .heardAgain(let name): "advertisements arrive again between this node and \(name)"
    case .restless(let interval):
      """
      became Active again and again: waiting for \(interval.text) at least before the next time. Unless a link comes and \
      goes, advertisements are forged, which `authentication` prevents
      """
    case .addressRemoved: "the address was removed from the interface; restoring it"
    case .suspended(let interval):
      "this process did not run for \(interval.text): another node may be Active by now, listening first"
    case .handedOver(let address): "\(address) took over"
    case .noTakeover: "no other node took over"
    case .away(let interval): "withdrawn by the administrator for \(interval.text) at most"
    case .back: "failback: takes part in the election again"
    }
  }
}

/// A virtual router's change of role.
package struct Transition: Hashable, Sendable, CustomStringConvertible {
  package let from: VirtualRouterRole
  package let to: VirtualRouterRole
  /// The effective priority.
  package let priority: UInt8
  package let reason: Reason

  /// The cause of a transition.
  package enum Reason: Hashable, Sendable {
    /// All conditions for taking part are met.
    case ready
    /// The owner of the addresses started.
    case owner
    /// The Active's advertisements stopped, or there never were any.
    case activeSilent
    /// The Active sent priority 0.
    case activeLeft
    /// The Active has a lower priority.
    case preempted(IPAddress, priority: UInt8)
    /// An Active with a higher rank advertises.
    case better(IPAddress, priority: UInt8)
    /// Another host announces the addresses, and its advertisements do not arrive.
    case unheardActive(String)
    /// The same, and its advertisements are rejected.
    case rejectedActive(String)
    /// Another node reports that it is Active, and has a higher rank.
    case settled(behind: String)
    /// These conditions prevent the node from taking part.
    case faults([String])
    /// Handed over by the administrator.
    case failover
    /// The process is stopping.
    case stopped
    /// This process did not run for too long a time.
    case suspended
    /// Another virtual router of the group changed its role.
    case group
    case noTakeover
  }

  package var description: String { "\(to), was \(from), priority \(priority): \(reason)" }
}

extension Transition.Reason: CustomStringConvertible {
  package var description: String {
    switch self {
    case .ready: "ready"
    case .owner: "ready, and owner of the address"
    case .activeSilent: "no Active is heard"
    case .activeLeft: "the Active left"
    case .preempted(let address, let priority): "the Active \(address) has only priority \(priority)"
    case .better(let address, let priority): "\(address) is Active with priority \(priority)"
    case .unheardActive(let owner): "\(owner) has the address, and is not heard"
    case .rejectedActive(let owner): "\(owner) has the address, and its advertisements are rejected"
    case .settled(let name): "\(name) is Active, as it says over the connection of the pair, and is not heard"
    case .faults(let names): names.joined(separator: ", ")
    case .failover: "handed over by the administrator"
    case .stopped: "stopping"
    case .suspended: "the process did not run"
    case .group: "another virtual router of the group changed"
    case .noTakeover: "no other node took over"
    }
  }
}
