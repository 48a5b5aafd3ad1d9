import Domain
import Wire

/// What the log says about a virtual router.
package enum RouterNote: Hashable, Sendable {
  /// It does something else now.
  case transition(Transition)
  /// The conditions changed the priority.
  case priority(from: UInt8, to: UInt8, priorityReductions: [String])
  /// An advertisement of an Active that is worse than we are, while we are Active.
  case worseActive(IPAddress, priority: UInt8)
  /// Such advertisements go on.
  case bothActive(IPAddress, priority: UInt8, for: Interval)
  /// Such advertisements ended.
  case duplicateGone(IPAddress)
  /// Another node announced our address as its own, by this link-layer address.
  case claimed(by: String)
  /// Another node has our address, by this link-layer address, and we hear no advertisement of it: standing back.
  case unheardActive(String)
  /// The same of one whose advertisements come, and why they are not believed.
  case rejectedActive(String, IPAddress, AdvertisementRejection)
  /// It became Active too often in a short time, and waits so long at least from now on.
  case restless(atLeast: Interval)
  /// Another program took an address off our interface.
  case addressRemoved
  /// This process did not run for longer than a Backup waits.
  case suspended(Interval)
  /// The addresses were handed over, and this is who took them.
  case handedOver(to: IPAddress)
  case noTakeover
  /// The node stays withdrawn by the administrator until then.
  case away(for: Interval)
  /// It takes part as usual again.
  case back

  package var level: LogLevel {
    switch self {
    case .transition, .priority, .worseActive, .duplicateGone, .handedOver, .away, .back: .notice
    case .addressRemoved, .suspended, .noTakeover, .restless: .warning
    case .bothActive, .claimed, .unheardActive, .rejectedActive: .error
    }
  }

  /// The role that it has from now on, when the note is about that.
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

  /// What the change follows from.
  package enum Reason: Hashable, Sendable {
    /// Everything needed is there.
    case ready
    /// The owner of the addresses came up.
    case owner
    /// The Active has fallen silent, or none was ever heard.
    case activeSilent
    /// The Active said that it stops.
    case activeLeft
    /// The Active is worse than we are.
    case preempted(IPAddress, priority: UInt8)
    /// A better Active advertises.
    case better(IPAddress, priority: UInt8)
    /// A node announces the addresses, and its advertisements do not arrive.
    case unheardActive(String)
    /// The same, and advertisements are rejected.
    case rejectedActive(String)
    /// These conditions forbid taking part.
    case faults([String])
    /// Handed over on purpose.
    case failover
    /// The process stops.
    case stopped
    /// This process did not run for too long.
    case suspended
    /// Another virtual router of the group did so.
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
    case .faults(let names): names.joined(separator: ", ")
    case .failover: "handed over by the administrator"
    case .stopped: "stopping"
    case .suspended: "the process did not run"
    case .group: "another virtual router of the group changed"
    case .noTakeover: "no other node took over"
    }
  }
}
