import Domain
import Wire

/// One virtual router as this node takes part in it (RFC 9568 §6, RFC 3768 §6): who is Active, who waits.
///
/// Pure: `handle` takes what happened and answers with what to do, in this order. Time never goes back between calls;
/// `handle(.timer)` is due at `deadline`. Call `handle(.start)` once, report every track and the source address, and
/// perform every effect.
///
/// Beyond the RFC, and compatible with routers that know only that:
/// - A node that hands over keeps the addresses until its successor is heard, and tells it to be quick (`leave`).
/// - A node that yields to a better Active advertises once more, so that the better one announces itself again, and
///   keeps the addresses for a moment after.
/// - A Backup that hears nothing asks for the addresses by ARP before it takes them, and leaves them to an Active that
///   announces them and is not heard (`Contest`). Of two that hold them at once, deaf to each other, the newcomer stops.
/// - A Backup follows an Active whose priority falls below its own for a skew only, not for an Active_Down_Interval.
///
/// Invariants: the addresses are on the interface while Active or leaving, for a moment after, and not otherwise. An
/// advertisement with a priority above 0 is sent only with the addresses in place.
package struct VirtualRouter: Sendable {
  /// What can happen to it.
  package enum Event: Hashable, Sendable {
    /// The service runs. From now on the conditions decide.
    case start
    /// What `AdvertisementChannel.decode` accepted, and its sender.
    case advertisement(Advertisement, from: IPAddress)
    /// An advertisement for this virtual router that `AdvertisementChannel.decode` refused, and its sender.
    case rejected(AdvertisementRejection, from: IPAddress)
    /// Time has passed.
    case timer
    /// The track at this index of `tracks` was looked at. May be repeated.
    case track(Int, isGood: Bool)
    /// The address that our advertisements come from: the interface's first of the family, link-local for IPv6
    /// (RFC 9568 §5.1.1.1, §5.1.2.1). Nil: there is none, and nothing can be sent.
    case source(IPAddress?)
    /// One of the addresses is no longer on the interface, and it was not us.
    case addressRemoved
    /// Another node shows by ARP or neighbour discovery that it has one of the addresses; by what link-layer address.
    case claimed(AddressClaim, by: String)
    /// Hand the addresses over and stay away, for so long at most. Answered by `Effect.failedOver`.
    case failOver(for: Interval)
    /// Stay away no longer, and take the addresses back. Answered by `Effect.failedBack`.
    case failBack
    /// Hand the addresses over and take no further part. Answered by `Effect.stopped`, which ends it all.
    case stop
    /// Another virtual router of the same group became Active, became Backup, or is held back by something (nil: no
    /// longer). `RouterSet` sends these.
    case groupTookOver
    case groupYielded
    case groupFault(String?)
  }

  /// What the caller is to do.
  package enum Effect: Hashable, Sendable {
    /// Send this to every destination of the channel.
    case send(Advertisement)
    /// Put every address on the interface, or renew it where it is: valid for `lease` from now.
    case holdAddresses(lease: Interval)
    /// Take every address off the interface.
    case dropAddresses
    /// Announce every address by gratuitous ARP or unsolicited neighbour advertisement (RFC 9568 §8.1.1, §8.2.1), so
    /// many times each.
    case announce(times: Int)
    /// Ask on the link who has the addresses, without a claim to them (RFC 5227 §2.1.1, RFC 4861 §4.3): an answer comes
    /// back as `Event.claimed`.
    case probe
    /// Say it in the log.
    case note(RouterNote)
    /// Run hooks, send mail, tell systemd. A note of it comes as well.
    case transitioned(Transition)
    /// How `Event.failOver` ended: who took over; nil when none did, so that we are still Active, or when there was
    /// nothing to hand over, as `wasActive` tells. Answers every failover that was asked for meanwhile.
    case failedOver(to: IPAddress?, wasActive: Bool)
    /// How `Event.failBack` ended: this node has the addresses, or waits behind another one, if one is known.
    case failedBack(isActive: Bool, behind: IPAddress?)
    /// Everything that `Event.stop` asked for is done, and the addresses are gone.
    case stopped
  }

  /// Another node, as its advertisements show it.
  package struct Peer: Hashable, Sendable {
    package let address: IPAddress
    package let priority: UInt8
    package let heardAt: Instant
  }

  /// An advertisement that came and was not believed.
  struct Refusal: Hashable {
    let rejection: AdvertisementRejection
    let sender: IPAddress
    let heardAt: Instant
  }

  enum State: Hashable {
    case initialize
    case backup(Waiting)
    case active(advertiseAt: Instant)
    case leaving(Leaving)
  }

  package let settings: VirtualRouterSettings
  var state = State.initialize
  /// Since when the role is what it is; nil before `start`.
  package internal(set) var since: Instant?
  package internal(set) var counters = RouterCounters()
  /// The last advertisement's sender, whatever it was.
  package internal(set) var peer: Peer?

  /// The last advertisement that was refused.
  var refusal: Refusal?

  var tracked: TrackedPriority
  var lease: AddressLease
  var announcements = AnnouncementSchedule()
  var conflicts = ConflictDetector()
  var source: IPAddress?
  var isStarted = false
  var hasTakenPart = false
  var isStopping = false
  var groupFault: String?
  /// Until when the node stays withdrawn by the administrator.
  var awayUntil: Instant?
  /// Until when a failback that was asked for is answered.
  var failBackUntil: Instant?
  /// How the addresses are announced against a worse Active, and against who else has them.
  var conflictDefence = Defence(quick: 3)
  var claimDefence = Defence(quick: 0)
  var seekerDefence = Defence(quick: 3)
  /// Since when it is Active, while it is.
  var activeSince: Instant?
  /// It is Active for another reason than the silence of all others.
  var isUncontested = true
  /// Another node has announced the addresses against us, and may have to be left them.
  var standoff: Standoff?
  /// How often in a row it stood back behind a node that it does not hear.
  var contests = 0
  var damping = FlapDamping()
  /// When it last advertised as the Active.
  var answeredAt: Instant?
  /// The priority that the log was last told.
  var publishedPriority: UInt8
  /// The priority that the other nodes were last told.
  var advertisedPriority: UInt8

  /// Takes no part before `Event.start`.
  package init(_ settings: VirtualRouterSettings, tracks: [Track] = []) {
    self.settings = settings
    tracked = TrackedPriority(configured: settings.priority, tracks: tracks)
    lease = AddressLease(length: settings.lease)
    publishedPriority = settings.priority
    advertisedPriority = settings.priority
  }

  /// What to do about an event, in this order. `now` never goes back; call it with `.timer` at `deadline`.
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
      case .initialize: nil
      case .backup(let waiting): deadline(of: waiting)
      case .active(let advertiseAt): advertiseAt
      case .leaving(let leaving): min(leaving.repeatAt ?? leaving.until, leaving.until)
      }
    let others = [tracked.deadline, lease.deadline, announcements.deadline, conflicts.deadline]
    return ([own, standoff?.until, awayUntil, failBackUntil] + others).compactMap { $0 }.min()
  }

  // MARK: - What it is like now

  package var role: VirtualRouterRole {
    switch state {
    case .initialize: hasTakenPart && !isStopping ? .fault : .initialize
    case .backup: .backup
    case .active, .leaving: .active
    }
  }

  /// The priority that is or would be advertised.
  package var priority: UInt8 { awayUntil == nil ? tracked.effective : Self.leastPriority }

  /// What lowers the priority, by name.
  package var priorityReductions: [String] {
    tracked.priorityReductions + (awayUntil == nil ? [] : ["withdrawn by the administrator"])
  }

  /// What keeps this node from taking part, by name.
  package var faults: [String] { ownFaults + [groupFault].compactMap { $0 } }

  /// The same without what the group does.
  var ownFaults: [String] { tracked.faults + (source == nil ? ["no source address"] : []) }

  /// Whether the addresses are on the interface as far as we know.
  package var holdsAddresses: Bool { lease.isPresent }

  /// Whether another node is Active as well, and has been for a while.
  package var duplicateActive: IPAddress? { conflicts.established }

  /// What the other nodes should hear of us.
  func advertisement(priority: UInt8, interval: UInt16? = nil) -> Advertisement {
    Advertisement(
      version: settings.version, virtualRouter: settings.identifier, priority: priority,
      intervalCentiseconds: interval ?? settings.intervalCentiseconds, addresses: settings.ipAddresses)
  }

  /// `before` is what the role was, where something else has changed it already.
  mutating func transition(
    to state: State, because reason: Transition.Reason, from before: VirtualRouterRole? = nil, at now: Instant
  ) -> [Effect] {
    let before = before ?? role
    self.state = state
    guard role != before else { return [] }
    since = now
    counters.count(role)
    let transition = Transition(from: before, to: role, priority: priority, reason: reason)
    return [.note(.transition(transition)), .transitioned(transition)]
  }
}

/// How often what happened.
package struct RouterCounters: Hashable, Sendable {
  package internal(set) var becameActive: UInt64 = 0
  package internal(set) var becameBackup: UInt64 = 0
  package internal(set) var becameFault: UInt64 = 0
  /// Advertisements of priority 0.
  package internal(set) var priorityZeroSent: UInt64 = 0
  package internal(set) var priorityZeroReceived: UInt64 = 0
  /// Advertisements of an Active that is worse than we are, while we are Active.
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
