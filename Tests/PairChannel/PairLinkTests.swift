import Domain
import Testing
import Wire

@testable import Balancing
@testable import Pair

/// A link whose other end is the test.
private struct TestLink {
  var link: PairLink
  var now = Instant(nanoseconds: Interval.hours(1).nanoseconds)
  var clock = AssignmentClock(WallTime(seconds: 1_790_000_000), at: Instant(nanoseconds: 0))
  /// What was sent and not read yet.
  private var output = PairFrameReader()

  init(refresh: Interval = .minutes(5)) {
    link = PairLink(own: PairHello(name: "lb1", release: "1", incarnation: 1), peer: "lb2", refresh: refresh, at: now)
  }

  /// A link that has joined, and has sent its hello and a snapshot without clients.
  static func joined(refresh: Interval = .minutes(5)) throws -> TestLink {
    var test = TestLink(refresh: refresh)
    test.handle(.opened)
    let effects = test.receive(.hello(hello()))
    #expect(effects == [.joined(hello()), .copy(from: 0, activeSince: nil)])
    test.handle(.copied(nil, next: nil))
    _ = try test.sent()
    return test
  }

  static func hello(versions: ClosedRange<UInt16> = 1...1, name: String = "lb2") -> PairHello {
    var hello = PairHello(name: name, release: "2", incarnation: 2)
    hello.versions = versions
    return hello
  }

  /// The effects, without the bytes to be sent.
  @discardableResult
  mutating func handle(_ event: PairLink.Event) -> [PairLink.Effect] {
    link.handle(event, at: now, by: &clock).filter { effect in
      guard case .send(let bytes) = effect else { return true }
      output.append(bytes)
      return false
    }
  }

  /// What the clock of this node's assignments shows.
  var time: AssignmentTime { clock.time(at: now) }

  mutating func receive(_ messages: PairMessage...) -> [PairLink.Effect] {
    handle(.received(messages.flatMap { $0.encoded() }))
  }

  /// The messages sent since the last call; the output takes them all.
  mutating func sent() throws -> [PairMessage] {
    var messages: [PairMessage] = []
    while let frame = try output.next() {
      messages.append(try #require(try PairMessage(kind: frame.kind, payload: frame.payload)))
    }
    #expect(handle(.waiting(0)).allSatisfy { if case .copy = $0 { true } else { false } })
    return messages
  }

  /// Lets time pass, with timers, while the other node sends a keepalive each second or not.
  mutating func pass(_ interval: Interval, isHeard: Bool = true) -> [PairLink.Effect] {
    let end = now + interval
    var effects: [PairLink.Effect] = []
    while let deadline = link.deadline, deadline <= end {
      now = max(now, deadline)
      effects += handle(.timer)
      if isHeard { effects += receive(.keepalive(clock: time)) }
    }
    now = end
    return effects
  }
}

private func batch(_ numbers: Range<UInt32>) -> AssignmentBatch {
  let records = numbers.map {
    AffinityRecord(
      client: ClientKey(IPAddress(v4: $0)), server: ServerID(rawValue: 1), assigned: AssignmentTime(nanoseconds: 9),
      silence: .zero)
  }
  return AssignmentBatch(service: 1, table: .addresses, records: records)
}

@Suite struct `A connection between two nodes` {
  @Test func `both sides send a hello, then all clients, then changes`() throws {
    var test = TestLink()
    #expect(test.handle(.opened).isEmpty)
    guard case .hello(let hello)? = try test.sent().first else { return #expect(Bool(false)) }
    #expect(hello.name == "lb1" && hello.clock == test.time)
    #expect(
      test.receive(.hello(TestLink.hello())) == [.joined(TestLink.hello()), .copy(from: 0, activeSince: nil)])
    #expect(test.handle(.copied(batch(0..<3), next: 17)) == [.copy(from: 17, activeSince: nil)])
    #expect(test.handle(.changes(batch(9..<10))).isEmpty)
    #expect(test.handle(.copied(batch(3..<4), next: nil)).isEmpty)
    #expect(
      try test.sent() == [
        .assignments(batch(0..<3), clock: test.time), .assignments(batch(9..<10), clock: test.time),
        .assignments(batch(3..<4), clock: test.time), .snapshotEnd,
      ])
  }

  @Test func `a node that sends no hello in time, or another message first, is disconnected`() throws {
    // With the time that the transport took.
    for opening in [0, 3000, 4998] {
      var silent = TestLink()
      #expect(silent.pass(.milliseconds(UInt64(opening)), isHeard: false).isEmpty)
      silent.handle(.opened)
      #expect(silent.pass(.milliseconds(UInt64(4999 - opening)), isHeard: false).isEmpty)
      #expect(silent.pass(.milliseconds(1), isHeard: false) == [.ended(.noHello, wasJoined: false)])
    }
    var closed = TestLink()
    #expect(closed.pass(.seconds(5), isHeard: false) == [.ended(.noHello, wasJoined: false)])

    var rude = TestLink()
    rude.handle(.opened)
    let end = PairEnd.invalid(.unexpected("keepalive"))
    #expect(rude.receive(.keepalive(clock: rude.time)) == [.ended(end, wasJoined: false)])
    #expect(try rude.sent().last == .leave(reason: end.description))
    #expect(rude.receive(.hello(TestLink.hello())).isEmpty && rude.link.deadline == nil)
  }

  @Test(arguments: [
    (TestLink.hello(name: "lb3"), PairEnd.wrongName("lb3")),
    (TestLink.hello(versions: 2...4), .versions(theirs: 2...4, release: "2")),
    (TestLink.hello(versions: 1...4), nil),
  ])
  fileprivate func `the name must be the expected one, and one version must be common`(hello: PairHello, end: PairEnd?)
  {
    var test = TestLink()
    test.handle(.opened)
    let expected = end.map { [PairLink.Effect.ended($0, wasJoined: false)] }
    #expect(test.receive(.hello(hello)) == expected ?? [.joined(hello), .copy(from: 0, activeSince: nil)])
  }

  @Test func `a node that is silent for five seconds has left`() throws {
    var test = try TestLink.joined()
    #expect(test.pass(.minutes(2)).isEmpty)
    #expect(test.pass(.milliseconds(4500), isHeard: false).isEmpty)
    #expect(test.pass(.seconds(1), isHeard: false) == [.ended(.silent, wasJoined: true)])
    let keepalives = try test.sent().filter { if case .keepalive = $0 { true } else { false } }
    #expect(keepalives.count == 124)
  }

  @Test func `a leave message and the end of the transport give the reason`() throws {
    var left = try TestLink.joined()
    #expect(left.receive(.leave(reason: "it stops")) == [.ended(.left(reason: "it stops"), wasJoined: true)])
    var cut = try TestLink.joined()
    #expect(cut.handle(.closed(reason: "reset")) == [.ended(.closed(reason: "reset"), wasJoined: true)])
    var leaving = try TestLink.joined()
    #expect(leaving.handle(.leave(reason: "we stop")) == [.ended(.leaving(reason: "we stop"), wasJoined: true)])
    #expect(try leaving.sent() == [.leave(reason: "we stop")])
  }

  @Test func `messages of an unknown kind are skipped`() throws {
    var test = try TestLink.joined()
    let unknown = PairFrame.encoded(200, [1, 2, 3])
    #expect(test.handle(.received(unknown + PairMessage.snapshotEnd.encoded() + unknown)) == [.snapshotEnded])
  }

  @Test func `messages are decoded however the bytes are split`() throws {
    var test = try TestLink.joined()
    var effects: [PairLink.Effect] = []
    let bytes = PairMessage.snapshotEnd.encoded() + PairMessage.assignments(batch(0..<2), clock: test.time).encoded()
    for byte in bytes { effects += test.handle(.received([byte])) }
    #expect(effects == [.snapshotEnded, .merge(batch(0..<2), asOf: test.now)])
  }

  @Test func `a report of a session counts until the next one comes`() {
    #expect(PairLink.Pace.refresh < AffinityEntry.reportValidity)
  }

  @Test func `no more waits in the output than the limit, and what had no room comes with the next pass`() throws {
    var test = try TestLink.joined()
    let since = test.now
    var waiting = 0
    for _ in 0..<100 {
      for case .send(let bytes) in test.link.handle(.changes(batch(0..<900)), at: test.now, by: &test.clock) {
        waiting += bytes.count
      }
    }
    #expect(waiting <= PairLink.outputLimit && waiting > PairLink.outputLimit / 2)
    #expect(test.handle(.facts([1])) == [] && test.handle(.vitals([2])) == [] && test.handle(.vitals([3])) == [])
    test.handle(.waiting(0))
    let facts = BytePiece(isFirst: true, isLast: true, bytes: [1])
    #expect(try test.sent().prefix(2) == [.vitals([3]), .facts(facts)])
    #expect(test.pass(.seconds(9)).isEmpty)
    #expect(test.pass(.seconds(1)) == [.copy(from: 0, activeSince: since - Interval.seconds(1))])
  }

  @Test func `a node that does not read is disconnected`() throws {
    var test = try TestLink.joined()
    for _ in 0..<100 { test.handle(.changes(batch(0..<900))) }
    #expect(test.pass(.seconds(30)) == [.ended(.blocked, wasJoined: true)])
  }

  @Test func `a node that reads slowly stays connected, although the output is always full`() throws {
    var test = try TestLink.joined()
    var ends = 0
    for _ in 0..<30 {
      for _ in 0..<100 { test.handle(.changes(batch(0..<900))) }
      for effect in test.pass(.seconds(1)) { if case .ended = effect { ends += 1 } }
      test.handle(.waiting(PairLink.outputLimit - 1))
    }
    #expect(ends == 0)
  }

  @Test func `clients active since the last pass are sent at every interval`() throws {
    var test = try TestLink.joined(refresh: .minutes(1))
    let start = test.now
    #expect(test.pass(.seconds(59)).isEmpty)
    #expect(test.pass(.seconds(1)) == [.copy(from: 0, activeSince: start - Interval.seconds(1))])
    #expect(test.handle(.copied(nil, next: 5)) == [.copy(from: 5, activeSince: start - Interval.seconds(1))])
    test.handle(.copied(nil, next: nil))
    let second = test.now
    #expect(try test.sent().allSatisfy { if case .keepalive = $0 { true } else { false } })
    test.handle(.missedChanges)
    #expect(test.pass(.seconds(10)) == [.copy(from: 0, activeSince: second - Interval.seconds(1))])
  }

  @Test func `administrative states and facts are sent to the other node in batches`() throws {
    var test = try TestLink.joined()
    let drain = AdminState(mode: .drain, since: WallTime(seconds: 5), node: "lb1")
    let states = Dictionary(uniqueKeysWithValues: (0..<200).map { ("view\($0)", drain) })
    test.handle(.adminStates(states))
    let facts = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    test.handle(.facts(facts))
    var other = try TestLink.joined()
    var received: [String: AdminState] = [:]
    var last: [UInt8]?
    for message in try test.sent() {
      for effect in other.receive(message) {
        switch effect {
        case .adminStates(let some): received.merge(some) { $1 }
        case .facts(let facts): last = facts
        default: Issue.record("\(effect)")
        }
      }
    }
    #expect(received == states)
    #expect(last == facts)
  }

  @Test func `the delay before the next attempt doubles up to a second, and restarts after joining`() {
    var redial = Redial()
    let pauses = (0..<4).map { _ in redial.pause(random: 25).milliseconds }
    #expect(pauses == [250, 500, 1000, 1000])
    redial.joined()
    #expect(redial.pause(random: 0).milliseconds == 187 && redial.pause(random: 50).milliseconds == 625)
    #expect(Redial.isDialer("lb2", of: "lb1") && !Redial.isDialer("lb1", of: "lb2"))
  }
}

@Suite struct `The clock of assignments` {
  private let wall = WallTime(seconds: 1_790_000_000)
  private let start = Instant(nanoseconds: Interval.hours(1000).nanoseconds)

  @Test func `what waited on the way is dated back`() throws {
    var test = try TestLink.joined()
    let sent = test.time
    test.now = test.now + .seconds(4)
    let effects = test.receive(.assignments(batch(0..<1), clock: sent))
    #expect(effects == [.merge(batch(0..<1), asOf: test.now - Interval.seconds(4))])
  }

  @Test func `a node that hears of a later time goes on from there, and one of an earlier time is not put back`() {
    var ahead = AssignmentClock(wall + .hours(5), at: start)
    var behind = AssignmentClock(wall, at: Instant(nanoseconds: 0))
    behind.advance(to: ahead.time(at: start), at: Instant(nanoseconds: 0))
    #expect(behind.time(at: Instant(nanoseconds: 7)) == ahead.time(at: start + Interval(nanoseconds: 7)))
    ahead.advance(to: AssignmentTime(nanoseconds: wall.nanoseconds), at: start)
    #expect(ahead.time(at: start) == AssignmentTime(nanoseconds: (wall + .hours(5)).nanoseconds))
  }

  @Test func `no received time traps or is in the future`() {
    var (clock, now) = (AssignmentClock(wall, at: start), start)
    for theirs in [0, 1 << 62, 1, .max, 1 << 63, .max - 1, 0] as [UInt64] {
      now = now + .seconds(1)
      // Also before the clock was put forward.
      #expect(clock.instant(of: AssignmentTime(nanoseconds: theirs), at: now) <= now)
      clock.advance(to: AssignmentTime(nanoseconds: theirs), at: now)
      #expect(clock.instant(of: AssignmentTime(nanoseconds: theirs), at: now) <= now)
      #expect(clock.time(at: now) >= AssignmentTime(nanoseconds: theirs))
    }
    #expect(clock.time(at: .distantFuture).nanoseconds == .max)
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String { self + String(repeating: "x", count: count - self.count) }
}
