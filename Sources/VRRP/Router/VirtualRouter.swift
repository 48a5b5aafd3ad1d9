import Domain
import Wire

/// The state machine of one virtual router on this node (RFC 9568 §6, RFC 3768 §6): election of the Active.
///
/// Pure: `handle` takes an event and returns effects, to be performed in this order. Time never goes back between
/// calls; `handle(.timer)` is due at `deadline`. Call `handle(.start)` once, report every track and the source address,
/// and perform every effect.
///
/// Extensions to the RFC, compatible with routers that do not have them:
/// - A node that hands over keeps the addresses until its successor advertises, and shortens the successor's wait
///   (`leave`).
/// - A node that yields to a better Active advertises once more, so that the better one announces itself again, and
///   keeps the addresses for a short time.
/// - A Backup that receives no advertisements probes for the addresses by ARP before it takes them. It leaves them to a
///   host that announces them and whose advertisements do not arrive (`Contest`). If two nodes have them and do not
///   receive each other's advertisements, the one that became Active later stops.
/// - Of nodes that report to each other over the connection of a pair, one that does not hear the Active leaves the
///   addresses to it as long as it reports (`VirtualRouterSettling.swift`).
/// - A Backup waits for Skew_Time, not Active_Down_Interval, when the Active's priority falls below its own.
///
/// Invariants: the addresses are on the interface only while Active or leaving, and for a short time afterwards. An
/// advertisement with a priority above 0 is sent only with the addresses on the interface.
package struct VirtualRouter: Sendable {
  /// The inputs of the state machine.
  package enum Event: Hashable, Sendable {
    /// The service runs. From now on the conditions determine the role.
    case start
    /// An advertisement that `AdvertisementChannel.decode` accepted, and its sender.
    case advertisement(Advertisement, from: IPAddress)
    /// An advertisement for this virtual router that `AdvertisementChannel.decode` rejected, and its sender.
    case rejected(AdvertisementRejection, from: IPAddress)
    /// What another node of the pair says of this virtual router, about once a second.
    case peer(PeerReport)
    /// The deadline may have passed.
    case timer
    /// The state of the track at this index of `tracks`. May be repeated.
    case track(Int, isGood: Bool)
    /// The source address of our advertisements: the interface's first of the family, link-local for IPv6 (RFC 9568
    /// §5.1.1.1, §5.1.2.1). Nil: there is none, and nothing can be sent.
    case source(IPAddress?)
    /// Another program removed one of the addresses from the interface.
    case addressRemoved
    /// Another host with this link-layer address claims one of the addresses by ARP or neighbour discovery.
    case claimed(AddressClaim, by: String)
    /// Failover: hands the addresses over and withdraws from the election for at most this long. Answered by
    /// `Effect.failedOver`.
    case failOver(for: Interval)
    /// Failback: ends the withdrawal and takes the addresses back. Answered by `Effect.failedBack`.
    case failBack
    /// Hands the addresses over and takes no further part. Answered by `Effect.stopped`, which is the last effect.
    case stop
    /// Another virtual router of the same group became Active, became Backup, or has a fault (nil: no longer).
    /// `RouterSet` sends these.
    case groupTookOver
    case groupYielded
    case groupFault(String?)
  }

  /// What the caller must do.
  package enum Effect: Hashable, Sendable {
    /// Send this to every destination of the channel.
    case send(Advertisement)
    /// Add every address to the interface, or renew it: valid for `lease` from now.
    case holdAddresses(lease: Interval)
    /// Remove every address from the interface.
    case dropAddresses
    /// Announce every address this many times by gratuitous ARP or unsolicited neighbour advertisement (RFC 9568
    /// §8.1.1, §8.2.1).
    case announce(times: Int)
    /// Probe the link for the addresses without claiming them (RFC 5227 §2.1.1, RFC 4861 §4.3). A reply is reported by
    /// `Event.claimed`.
    case probe
    /// Log it.
    case note(RouterNote)
    /// Run hooks, send mail, notify systemd. A note of the transition is returned as well.
    case transitioned(Transition)
    /// The result of `Event.failOver`: the node that took over. Nil when no node did and we are still Active
    /// (`wasActive`), or when there was nothing to hand over. Answers every failover that was requested in the
    /// meantime.
    case failedOver(to: IPAddress?, wasActive: Bool)
    /// The result of `Event.failBack`: this node has the addresses, or is Backup behind another node, if one is known.
    case failedBack(isActive: Bool, behind: IPAddress?)
    /// `Event.stop` is complete, and the addresses are gone.
    case stopped
  }

  /// Another node, as in its last advertisement.
  package struct Peer: Hashable, Sendable {
    package let address: IPAddress
    package let priority: UInt8
    package let heardAt: Instant
  }

  /// The role, with what is true only in it.
  enum State: Hashable {
    case initialize
    /// It has taken part, and a fault prevents it from doing so again.
    case fault
    case backup(Backup)
    case active(Active)
    /// Active until a successor advertises.
    case leaving(Leaving)
  }

  /// From `init` to `Effect.stopped`.
  enum Lifecycle: Hashable {
    case created
    /// The conditions determine the role.
    case started
    /// `Event.stop` is not answered yet.
    case stopping
    case stopped
  }

  package let settings: VirtualRouterSettings
  var state = State.initialize
  var lifecycle = Lifecycle.created
  /// The time of the last change of role; nil before `start`.
  package internal(set) var since: Instant?
  package internal(set) var counters = RouterCounters()
  var conditions: RouterConditions
  var withdrawal = Withdrawal()
  var heard = LastHeard()
  var lease: AddressLease
  var defences = Defences()
  /// The number of consecutive times that it gave way to a host whose advertisements do not arrive.
  var contests = 0
  var damping = FlapDamping()
  /// The last logged priority; nil until it takes part.
  var loggedPriority: UInt8?
  /// The last advertised priority above 0.
  var advertisedPriority: UInt8

  /// The role is initialize until `Event.start`.
  package init(_ settings: VirtualRouterSettings, tracks: [Track] = []) {
    self.settings = settings
    conditions = RouterConditions(tracked: TrackedPriority(configured: settings.priority, tracks: tracks))
    lease = AddressLease(length: settings.lease)
    advertisedPriority = settings.priority
  }

  /// Processes an event and returns its effects in order. `now` never goes back; call it with `.timer` at `deadline`.
  package mutating func handle(_ event: Event, at now: Instant) -> [Effect] {
    var effects = catchUp(to: now)
    effects += react(to: event, at: now)
    effects += applyTransitions(at: now)
    return effects + answerFailBack(at: now)
  }

  /// When `handle(.timer)` is due next.
  package var deadline: Instant? {
    let own: Instant? =
      switch state {
      case .initialize, .fault: nil
      case .backup(let backup): deadline(of: backup)
      case .active(let active): active.deadline
      case .leaving(let leaving): min(leaving.repeatAt ?? leaving.until, leaving.until)
      }
    return [own, conditions.tracked.deadline, lease.deadline, withdrawal.deadline, heard.reports.deadline]
      .compactMap { $0 }.min()
  }

  // MARK: - Queries

  package var role: VirtualRouterRole {
    switch state {
    case .initialize: .initialize
    case .fault: .fault
    case .backup: .backup
    case .active, .leaving: .active
    }
  }

  /// The priority that is or would be advertised.
  package var priority: UInt8 { withdrawal.until == nil ? conditions.tracked.effective : Self.leastPriority }

  /// The names of what lowers the priority.
  package var priorityReductions: [String] {
    conditions.tracked.priorityReductions + (withdrawal.until == nil ? [] : ["withdrawn by the administrator"])
  }

  /// The names of what prevents this node from taking part.
  package var faults: [String] { conditions.faults }

  /// The sender of the last accepted advertisement, whatever its priority.
  package var peer: Peer? { heard.peer }

  /// Whether the addresses are on the interface, as far as is known.
  package var holdsAddresses: Bool { lease.isPresent }

  /// The other node that has been Active at the same time for a while.
  package var duplicateActive: IPAddress? {
    if case .active(let active) = state { active.conflicts.established } else { nil }
  }

  /// Our advertisement with a priority, and an interval if it differs from the configured one.
  func advertisement(priority: UInt8, interval: UInt16? = nil) -> Advertisement {
    Advertisement(
      version: settings.version, virtualRouter: settings.identifier, priority: priority,
      intervalCentiseconds: interval ?? settings.intervalCentiseconds, addresses: settings.ipAddresses)
  }

  mutating func transition(to state: State, because reason: Transition.Reason, at now: Instant) -> [Effect] {
    let before = role
    self.state = state
    guard role != before else { return [] }
    since = now
    counters.count(role)
    let transition = Transition(from: before, to: role, priority: priority, reason: reason)
    return [.note(.transition(transition)), .transitioned(transition)]
  }
}

/// Counters of transitions and advertisements.
package struct RouterCounters: Hashable, Sendable {
  package internal(set) var becameActive: UInt64 = 0
  package internal(set) var becameBackup: UInt64 = 0
  package internal(set) var becameFault: UInt64 = 0
  /// Advertisements of priority 0.
  package internal(set) var priorityZeroSent: UInt64 = 0
  package internal(set) var priorityZeroReceived: UInt64 = 0
  /// Advertisements of an Active with a lower rank than ours, while we are Active.
  package internal(set) var worseActiveHeard: UInt64 = 0

  mutating func count(_ role: VirtualRouterRole) {
    switch role {
    case .active: becameActive += 1
    case .backup: becameBackup += 1
    case .fault: becameFault += 1
    case .initialize: break
    }
  }
}
