import Domain
import Wire

extension VirtualRouter {
  /// How one virtual router behaves on this node.
  package struct Settings: Hashable, Sendable {
    package var version: VRRPVersion
    /// The VRID, 1 to 255.
    package var identifier: UInt8
    /// 1 to 254; 255 for the owner of the addresses, who is Active whenever it runs.
    package var priority: UInt8
    /// 1 to 4095; in version 2 a multiple of 100.
    package var intervalCentiseconds: UInt16
    /// At least one, of one family.
    package var addresses: [IPAddress]
    /// Whether a better Backup takes over from an Active that works (Preempt_Mode, RFC 9568 §6.1).
    package var preempts = true
    /// How long a node that comes back leaves a worse Active alone.
    package var preemptDelay = Interval.zero
    /// How long the addresses stay on the interface without being renewed.
    package var lease: Interval
    /// What changes the priority, or makes the node give up.
    package var tracks: [Track] = []

    package init(
      version: VRRPVersion = .v3, identifier: UInt8, priority: UInt8, intervalCentiseconds: UInt16 = 100,
      addresses: [IPAddress], lease: Interval = .seconds(3), tracks: [Track] = []
    ) {
      self.version = version
      self.identifier = identifier
      self.priority = priority
      self.intervalCentiseconds = intervalCentiseconds
      self.addresses = addresses
      self.lease = lease
      self.tracks = tracks
    }

    package var interval: Interval { .centiseconds(UInt64(intervalCentiseconds)) }

    /// Skew_Time (RFC 9568 §6.1; RFC 3768 §6.1): the better a Backup, the sooner it moves.
    func skewTime(priority: UInt8, activeInterval: Interval) -> Interval {
      let unit = version == .v2 ? Interval.seconds(1) : activeInterval
      return Interval(nanoseconds: unit.nanoseconds * (256 - UInt64(priority)) / 256)
    }

    /// Active_Down_Interval: how long a Backup waits for an Active that has fallen silent.
    func activeDownInterval(priority: UInt8, activeInterval: Interval) -> Interval {
      let skew = skewTime(priority: priority, activeInterval: activeInterval)
      return Interval(nanoseconds: 3 * activeInterval.nanoseconds + skew.nanoseconds)
    }
  }

  /// Times that the protocol leaves to us.
  enum Pace {
    /// How long the one that yields still answers to the addresses: until the other's announcement is in every
    /// neighbour's table, so that no connection falls between the two.
    static let yieldGrace = Interval.milliseconds(50)
    /// How often a node that hands over says so again, in version 3, in case the first time was lost. Longer than any
    /// skew at the hand-over's interval, which each time starts anew.
    static let handOverRepeat = Interval.milliseconds(100)
    /// How long a node that hands over waits for a successor. In version 2 a successor may need a skew of one second.
    static func handOverBound(_ version: VRRPVersion) -> Interval {
      version == .v2 ? .milliseconds(1200) : .milliseconds(500)
    }
    /// How long a failback that was asked for waits until it is known who is Active.
    static let failBackBound = Interval.seconds(8)
    /// The interval that a node advertises when it hands over, in centiseconds: the least there is.
    static let handOverInterval: UInt16 = 1
    /// A timer that is so much late means that this process did not run, or its machine did not.
    static let lateWakeUp = Interval.milliseconds(100)
    /// The least time between an advertisement and one that answers a node that should have heard it.
    static let answer = Interval.milliseconds(20)
    /// How long a claim by ARP or neighbour discovery goes unanswered: an advertisement that comes with it is read first.
    static let claimAnswer = Interval.milliseconds(10)
    /// For this long after it took over because it heard no Active, a node gives up the addresses when another one
    /// announces them: until its second five announcements have been out for as long as the first.
    static let newcomer = Interval.seconds(10)
    /// So many times in a row standing back takes longer each time.
    static let mostContests = 8
    /// How long two are Active before it is called so. A partition that heals is over after one exchange.
    static let duplicateTimeout = Interval.seconds(3)
    /// How often it is said again.
    static let duplicateReminder = Interval.minutes(1)
  }

  /// The lowest priority, advertised by a node that cannot serve; a node with `preempts` off takes over from it too.
  package static let leastPriority: UInt8 = 1
}
