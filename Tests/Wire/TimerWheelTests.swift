import Simulation
import Testing
import Wire

@Suite struct TimerWheelTests {
  static let tick = Interval(nanoseconds: TimerWheel.tickNanoseconds)
  static let start = Instant(nanoseconds: 1_234_567_890_123)

  /// Every key that is due, in the order of their firing.
  static func fired(_ wheel: inout TimerWheel, at now: Instant) -> [Int] {
    var keys: [Int] = []
    while let key = wheel.expire(at: now) { keys.append(key) }
    return keys
  }

  @Test(
    arguments: [.milliseconds(1), .milliseconds(500), .seconds(10), .minutes(90), .hours(12), .hours(2400)]
      as [Interval])
  func `a timer never fires early, and at most a tick late`(length: Interval) {
    var wheel = TimerWheel(startingAt: Self.start)
    let deadline = Self.start + length
    wheel.schedule(3, at: deadline)
    #expect(Self.fired(&wheel, at: Instant(nanoseconds: deadline.nanoseconds - 1)).isEmpty)
    #expect(Self.fired(&wheel, at: deadline + Self.tick) == [3])
    #expect(wheel.count == 0 && wheel.nextDeadline == nil && !wheel.isArmed(3))
  }

  @Test func `sleeping until the next deadline reaches the timer in a few turns`() throws {
    var wheel = TimerWheel(startingAt: Self.start)
    let deadline = Self.start + .hours(12)
    wheel.schedule(0, at: deadline)
    var turns = 0
    while let wake = wheel.nextDeadline {
      turns += 1
      let keys = Self.fired(&wheel, at: wake)
      #expect(keys.isEmpty || wake >= deadline)
    }
    #expect(turns <= 7)
  }

  @Test func `a key has one timer: the last one armed`() {
    var wheel = TimerWheel(startingAt: Self.start)
    wheel.schedule(7, at: Self.start + .seconds(1))
    wheel.schedule(7, at: Self.start + .seconds(5))
    #expect(wheel.count == 1)
    #expect(Self.fired(&wheel, at: Self.start + .seconds(2)).isEmpty)
    wheel.schedule(7, at: Self.start + .seconds(3))
    #expect(Self.fired(&wheel, at: Self.start + .seconds(4)) == [7])
  }

  @Test func `a cancelled timer does not fire, even if it was due`() {
    var wheel = TimerWheel(startingAt: Self.start)
    for key in 0..<3 { wheel.schedule(key, at: Self.start + .milliseconds(10)) }
    wheel.cancel(1)
    #expect(wheel.expire(at: Self.start + .seconds(1)) == 0)
    wheel.cancel(2)
    wheel.cancel(99)
    #expect(wheel.expire(at: Self.start + .seconds(1)) == nil)
    #expect(wheel.nextDeadline == nil)
  }

  @Test func `a timer armed for the past during expiry fires at the next tick`() {
    var wheel = TimerWheel(startingAt: Self.start)
    wheel.schedule(0, at: Self.start)
    let now = Self.start + .seconds(1)
    #expect(wheel.expire(at: now) == 0)
    wheel.schedule(0, at: Self.start)
    #expect(wheel.expire(at: now) == nil)
    #expect(wheel.expire(at: now + Self.tick) == 0)
  }

  @Test func `the end of time is a valid deadline, and a time that goes back has no effect`() {
    var wheel = TimerWheel(startingAt: Self.start)
    wheel.schedule(0, at: .distantFuture)
    #expect(wheel.expire(at: Self.start + .hours(100)) == nil)
    #expect(wheel.expire(at: Self.start) == nil)
    #expect(wheel.isArmed(0) == true)
    #expect(wheel.nextDeadline.map { $0 > Self.start + .hours(100) } == true)
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func `any sequence of operations agrees with a plain list of deadlines`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var now = Instant(nanoseconds: .random(in: 0...(.max >> 20), using: &random))
    var wheel = TimerWheel(startingAt: now)
    var deadlines: [Int: Instant] = [:]
    // Everything up to now has expired, so the loop would sleep.
    var drained = false
    for _ in 0..<5_000 {
      let key = Int.random(in: 0..<64, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<5:
        // Lengths of every magnitude, from a nanosecond to eight days.
        let length = Interval(nanoseconds: random.next() >> UInt64.random(in: 14..<64, using: &random))
        wheel.schedule(key, at: now + length)
        deadlines[key] = now + length
      case 5:
        wheel.cancel(key)
        deadlines[key] = nil
      default:
        let sleep = random.next() >> UInt64.random(in: 18..<64, using: &random)
        let toDeadline = Bool.random(using: &random) ? wheel.nextDeadline.map { $0 - now } : nil
        now = now + (toDeadline ?? Interval(nanoseconds: sleep))
        var lastTick: UInt64 = 0
        while let key = wheel.expire(at: now) {
          guard let deadline = deadlines.removeValue(forKey: key) else {
            Issue.record("seed \(seed): \(key) fired and was not armed")
            return
          }
          #expect(deadline <= now, "seed \(seed): fired early")
          let tick = deadline.nanoseconds >> 23
          #expect(tick + 1 >= lastTick, "seed \(seed): fired out of order")
          lastTick = max(lastTick, tick)
        }
        drained = true
        for (key, deadline) in deadlines { #expect(deadline + Self.tick > now, "seed \(seed): \(key) is late") }
      }
      #expect(wheel.count == deadlines.count, "seed \(seed)")
      #expect(wheel.isArmed(key) == (deadlines[key] != nil), "seed \(seed)")
      if let next = wheel.nextDeadline, let earliest = deadlines.values.min() {
        #expect(next > now || !drained, "seed \(seed): would not sleep at all")
        #expect(next < earliest + Self.tick + Self.tick, "seed \(seed): would sleep past a deadline")
      } else {
        #expect(deadlines.isEmpty, "seed \(seed)")
      }
    }
  }
}
