import Domain
import Wire

extension VirtualRouterSettings {
  /// The interval in the unit of advertisements: 1 to 4095; in version 2 a multiple of 100.
  package var intervalCentiseconds: UInt16 {
    UInt16(clamping: interval.nanoseconds / Interval.centiseconds(1).nanoseconds)
  }

  /// The lifetime of the addresses on the interface without renewal: three intervals, after which a Backup takes over,
  /// rounded up to the kernel's unit of one second.
  package var lease: Interval {
    let second = Interval.seconds(1).nanoseconds
    return .seconds(max(1, (3 * interval.nanoseconds + second - 1) / second))
  }

  /// Skew_Time (RFC 9568 §6.1; RFC 3768 §6.1): the higher the priority of a Backup, the shorter the wait.
  func skewTime(priority: UInt8, activeInterval: Interval) -> Interval {
    let unit = version == .v2 ? Interval.seconds(1) : activeInterval
    return Interval(nanoseconds: unit.nanoseconds * (256 - UInt64(priority)) / 256)
  }

  /// Active_Down_Interval: how long a Backup waits after the last advertisement of the Active.
  func activeDownInterval(priority: UInt8, activeInterval: Interval) -> Interval {
    let skew = skewTime(priority: priority, activeInterval: activeInterval)
    return Interval(nanoseconds: 3 * activeInterval.nanoseconds + skew.nanoseconds)
  }
}

extension VirtualRouter {
  /// Times that VRRP does not specify.
  enum Pace {
    /// How long a node that yields keeps the addresses: until the other node's announcement is in every neighbour's
    /// table, so that no connection is lost in between.
    static let yieldGrace = Interval.milliseconds(50)
    /// How often a node that hands over repeats its last advertisements in version 3, in case they were lost. Longer
    /// than any skew at the hand-over's interval, because each repetition restarts the skew.
    static let handOverRepeat = Interval.milliseconds(100)
    /// How long a node that hands over waits for a successor. In version 2 a successor's skew may be one second.
    static func handOverBound(_ version: VRRPVersion) -> Interval {
      version == .v2 ? .milliseconds(1200) : .milliseconds(500)
    }
    /// The longest wait of a requested failback for a known Active.
    static let failBackBound = Interval.seconds(8)
    /// The interval advertised by a node that hands over, in centiseconds: the shortest possible.
    static let handOverInterval: UInt16 = 1
    /// A timer that is late by more than this means that the process or the machine was suspended.
    static let lateWakeUp = Interval.milliseconds(100)
    /// The shortest time between an advertisement and the next one, which answers a node that should have received it.
    static let answer = Interval.milliseconds(20)
    /// The delay before answering a claim by ARP or neighbour discovery: an advertisement that was sent with it is read
    /// first.
    static let claimAnswer = Interval.milliseconds(10)
    /// For this long after it became Active because it heard no other, a node gives up the addresses when another node
    /// announces them: until five seconds after its second five announcements.
    static let newcomer = Interval.seconds(10)
    /// After this many consecutive contests the wait grows no further.
    static let mostContests = 8
    /// How long two nodes are both Active before this is logged as a duplicate. After a healed partition one exchange
    /// ends it.
    static let duplicateTimeout = Interval.seconds(3)
    /// How often a duplicate is logged again.
    static let duplicateReminder = Interval.minutes(1)
  }

  /// The lowest priority, advertised by a node that cannot serve; a node with `preempts` off takes over from it too.
  package static let leastPriority: UInt8 = 1
}
