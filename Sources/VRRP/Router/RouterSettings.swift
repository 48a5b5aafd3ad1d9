import Domain
import Wire

extension VirtualRouterSettings {
  /// As advertisements have it: 1 to 4095; in version 2 a multiple of 100.
  package var intervalCentiseconds: UInt16 {
    UInt16(clamping: interval.nanoseconds / Interval.centiseconds(1).nanoseconds)
  }

  /// How long the addresses stay on the interface without being renewed. The kernel counts lifetimes in seconds, and a
  /// Backup waits for three intervals: by then the address is gone.
  package var lease: Interval {
    let second = Interval.seconds(1).nanoseconds
    return .seconds(max(1, (3 * interval.nanoseconds + second - 1) / second))
  }

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

extension VirtualRouter {
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
