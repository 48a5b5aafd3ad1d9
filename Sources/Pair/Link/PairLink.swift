import Balancing
import Domain
import Wire

/// One connection with one other node, of which either side may be the dialer.
///
/// `handle` takes an event and returns the effects, which are to be performed in this order. Time never goes
/// back. `handle(.timer)` is due at `deadline`. After `.ended` nothing follows, and every event is ignored.
package struct PairLink: Sendable {
  /// An event of the transport, of this node or of the clock.
  package enum Event: Sendable {
    /// The transport is connected and authenticated.
    case opened
    case received([UInt8])
    /// The transport took some of what was sent; this many bytes of it still wait.
    case waiting(Int)
    /// `deadline` has been reached.
    case timer
    /// Clients that were assigned or moved here since the last time: for every link, about once a second. Ignored
    /// before `.joined`, as are all that follow.
    case changes(AssignmentBatch)
    /// More clients were assigned or moved than the queue of changes holds.
    case missedChanges
    /// Another node has left: changes that it sent here may not have reached the others, so all clients are sent again. To be
    /// followed by `.adminStates` with all.
    case otherLeft
    /// The answer to `.copy`, at once: what was found (nil: nothing), and where to go on (nil: that was all).
    case copied(AssignmentBatch?, next: UInt64?)
    /// Administrative states that changed here, by the servers' full names; at joining, all.
    case adminStates([String: AdminState])
    /// An encoded `NodeFacts` of this node, which replaces an earlier one.
    case facts([UInt8])
    /// An encoded `NodeVitals` of this node, which replaces an earlier one.
    case vitals([UInt8])
    /// A message of this node about a stream.
    case stream(StreamMessage)
    /// This node leaves, or wants another connection.
    case leave(reason: String)
    /// The transport ended.
    case closed(reason: String)
  }

  /// An action for the owner.
  package enum Effect: Hashable, Sendable {
    /// Append these bytes to the output.
    case send([UInt8])
    /// Both have said hello. Answer with `.adminStates`, `.facts` and `.vitals`.
    case joined(PairHello)
    /// Answer with `.copied`: at most `AssignmentBatch.recordLimit` clients from this position on, 0 the first time,
    /// otherwise the last `next`. `activeSince`: only those that have a session here or were active here since then;
    /// nil: all.
    case copy(from: UInt64, activeSince: Instant?)
    /// Clients of the other node. Their silence is relative to this instant of our clock.
    case merge(AssignmentBatch, asOf: Instant)
    /// All that the other node knew at joining has come; it may come again later.
    case snapshotEnded
    case adminStates([String: AdminState])
    /// An encoded `NodeFacts` of the other node.
    case facts([UInt8])
    /// An encoded `NodeVitals` of the other node.
    case vitals([UInt8])
    /// A message of the other node about a stream, or the end of one with this link.
    case stream(StreamMessage)
    /// Close the connection, after what was sent before; `wasJoined`: the other node had joined.
    case ended(PairEnd, wasJoined: Bool)
  }

  /// Intervals and time limits.
  package enum Pace {
    /// From the beginning of the connection, with the transport's part.
    package static let hello = Interval.seconds(5)
    package static let keepalive = Interval.seconds(1)
    package static let silence = Interval.seconds(5)
    /// The most between two reports of who was active.
    package static let refresh = Interval.minutes(5)
    /// The least.
    package static let leastRefresh = Interval.seconds(10)
  }

  /// Maximum of bytes that wait in the output.
  package static let outputLimit = 262_144
  /// Streams may fill the output so far: other messages do not wait behind more of them.
  static let streamOutputLimit = 16_384

  private enum State: Sendable {
    case idle(deadline: Instant)
    case greeting(deadline: Instant)
    case joined(JoinedLink)
    case ended
  }

  private let own: PairHello
  private let peer: String
  private let refresh: Interval
  private var state: State
  private var input = PairFrameReader()
  /// Bytes that wait in the output.
  private var waiting = 0

  /// The connection begins now. `own`: this node; `peer`: the name of the other one, by its address. `refresh`: how often
  /// activity is reported, a quarter of the shortest hold time, at most `Pace.refresh`.
  package init(own: PairHello, peer: String, refresh: Interval, at now: Instant) {
    state = .idle(deadline: now + Pace.hello)
    self.own = own
    self.peer = peer
    self.refresh = min(refresh, Pace.refresh)
  }

  /// Whether a stream would end with this link.
  package var hasStreams: Bool { if case .joined(let joined) = state { joined.streams.areOpen } else { false } }

  /// When `handle(.timer)` is due.
  package var deadline: Instant? {
    switch state {
    case .idle(let deadline), .greeting(let deadline): deadline
    case .ended: nil
    case .joined(let joined): joined.deadline
    }
  }

  /// Takes one event, and returns what is to be done. `clock`: that of this node's assignments, which is put forward to
  /// the other node's.
  package mutating func handle(_ event: Event, at now: Instant, by clock: inout AssignmentClock) -> [Effect] {
    var effects: [Effect] = []
    do throws(PairEnd) {
      try take(event, at: now, &clock, &effects)
      sendWaiting(at: now, &effects)
    } catch {
      if let message = error.message, hasOpened { send(message, &effects) }
      var wasJoined = false
      if case .joined(let joined) = state {
        wasJoined = true
        effects += joined.streams.closings(reason: "\(peer) has left: \(error)").map { .stream($0) }
      }
      state = .ended
      effects.append(.ended(error, wasJoined: wasJoined))
    }
    return effects
  }

  private mutating func take(
    _ event: Event, at now: Instant, _ clock: inout AssignmentClock, _ effects: inout [Effect]
  ) throws(PairEnd) {
    switch (state, event) {
    case (.ended, _): break
    case (_, .closed(let reason)): throw .closed(reason: reason)
    case (_, .leave(let reason)): throw .leaving(reason: reason)
    case (.idle(let deadline), .opened):
      state = .greeting(deadline: deadline)
      var hello = own
      hello.clock = clock.time(at: now)
      send(.hello(hello), &effects)
    case (.idle(let deadline), .timer), (.greeting(let deadline), .timer): if now >= deadline { throw .noHello }
    case (.idle, _): break
    case (_, .waiting(let count)):
      waiting = count
      // A peer that takes some of a long copy reads, although the output is filled again at once.
      if case .joined(var joined) = state {
        joined.lastRoom = now
        state = .joined(joined)
      }
    case (_, .received(let bytes)):
      input.append(bytes)
      while let message = try nextMessage(at: now) { try receive(message, at: now, &clock, &effects) }
    case (.greeting, _): break
    case (.joined(var joined), _):
      try take(event, &joined, at: now, clock.time(at: now), &effects)
      state = .joined(joined)
    }
  }

  private mutating func take(
    _ event: Event, _ joined: inout JoinedLink, at now: Instant, _ time: AssignmentTime, _ effects: inout [Effect]
  ) throws(PairEnd) {
    switch event {
    case .timer:
      if now >= joined.lastHeard + Pace.silence { throw .silent }
      if hasRoom { joined.lastRoom = now } else if now >= joined.lastRoom + Pace.silence { throw .blocked }
      joined.pass.advance(to: now)
      guard now >= joined.nextKeepalive else { return }
      joined.nextKeepalive = now + Pace.keepalive
      if hasRoom { send(.keepalive(clock: time), &effects) }
    case .changes(let batch):
      if hasRoom { send(.assignments(batch, clock: time), &effects) } else { joined.pass.missChanges() }
    case .missedChanges: joined.pass.missChanges()
    case .otherLeft: joined.pass = AssignmentPass(refresh: refresh, at: now)
    case .copied(let batch, let next):
      if let batch { send(.assignments(batch, clock: time), &effects) }
      if joined.pass.copied(next: next) { send(.snapshotEnd, &effects) }
    case .adminStates(let states): joined.queue(states)
    case .facts(let bytes): joined.queue(facts: bytes)
    case .vitals(let bytes): joined.queue(vitals: bytes)
    case .stream(let message): joined.streams.queue(message)
    case .opened, .received, .waiting, .leave, .closed: break
    }
  }

  /// The next message that was received; nil until all of it is there.
  private mutating func nextMessage(at now: Instant) throws(PairEnd) -> PairMessage? {
    do throws(PairError) {
      while let frame = try input.next() {
        if case .joined(var joined) = state {
          joined.lastHeard = now
          state = .joined(joined)
        }
        if let message = try PairMessage(kind: frame.kind, payload: frame.payload) { return message }
      }
      return nil
    } catch { throw .invalid(error) }
  }

  private mutating func receive(
    _ message: PairMessage, at now: Instant, _ clock: inout AssignmentClock, _ effects: inout [Effect]
  ) throws(PairEnd) {
    switch (state, message) {
    case (_, .leave(let reason)): throw .left(reason: reason)
    case (.greeting, .hello(let hello)):
      guard hello.name == peer else { throw .wrongName(hello.name) }
      guard hello.versions.overlaps(own.versions) else {
        throw .versions(theirs: hello.versions, release: hello.release)
      }
      clock.advance(to: hello.clock, at: now)
      state = .joined(JoinedLink(refresh: refresh, at: now))
      effects.append(.joined(hello))
    case (.joined, .keepalive(let time)): clock.advance(to: time, at: now)
    case (.joined, .assignments(let batch, let time)):
      clock.advance(to: time, at: now)
      effects.append(.merge(batch, asOf: clock.instant(of: time, at: now)))
    case (.joined, .snapshotEnd): effects.append(.snapshotEnded)
    case (.joined, .adminStates(let states)): effects.append(.adminStates(states))
    case (.joined(var joined), .facts(let piece)):
      do throws(PairError) {
        if let facts = try joined.receive(piece) { effects.append(.facts(facts)) }
      } catch { throw .invalid(error) }
      state = .joined(joined)
    case (.joined, .vitals(let bytes)): effects.append(.vitals(bytes))
    case (.joined(var joined), .stream(let message)):
      do throws(PairError) {
        if try joined.streams.receive(message) { effects.append(.stream(message)) }
      } catch { throw .invalid(error) }
      state = .joined(joined)
    case (.joined, .hello), (.idle, _), (.greeting, _), (.ended, _): throw .invalid(.unexpected(message.name))
    }
  }

  /// Sends what waits, while there is room.
  private mutating func sendWaiting(at now: Instant, _ effects: inout [Effect]) {
    guard case .joined(var joined) = state else { return }
    while hasRoom, let message = joined.next() { send(message, &effects) }
    if hasRoom, let copy = joined.pass.ask() { effects.append(copy) }
    while waiting < Self.streamOutputLimit, let message = joined.streams.next() { send(.stream(message), &effects) }
    state = .joined(joined)
  }

  private var hasOpened: Bool { if case .idle = state { false } else { true } }

  /// Whether any message fits into the output.
  private var hasRoom: Bool { waiting + PairFrame.headBytes + PairFrame.payloadLimit <= PairLink.outputLimit }

  private mutating func send(_ message: PairMessage, _ effects: inout [Effect]) {
    let bytes = message.encoded()
    waiting += bytes.count
    effects.append(.send(bytes))
  }
}
