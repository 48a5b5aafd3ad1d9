import Balancing
import Domain
import Simulation
import Wire

@testable import Pair

/// Nodes and the connections between them in virtual time. A connection delivers its bytes in order or fails; bytes of
/// a cut connection wait, as in TCP. The same seed gives the same simulation.
struct PairNetwork {
  /// Bytes in transit in one direction.
  private struct Flow {
    var queue: [(due: Instant, bytes: [UInt8])] = []
    var waiting = 0
    /// The sender has closed; the receiver learns it after the bytes.
    var isClosed = false
  }

  private struct Direction: Hashable { var from, to: Int }

  let nodes: Int
  private(set) var node: [PairNode] = []
  var random: SeededGenerator
  private(set) var now = Instant(nanoseconds: Interval.hours(1).nanoseconds)
  /// The maximum transit time.
  var delay = Interval.milliseconds(5)
  /// The pairs of nodes whose connection is cut.
  var cut: Set<Set<Int>> = []
  var refresh = Interval.minutes(5)
  /// Sends messages of kinds that the other release does not know.
  var hasLaterNode = false
  /// Called with every batch that a node is about to merge or has merged.
  var observe: (PairNode, AssignmentBatch, Instant) -> Void = { _, _, _ in }
  private(set) var ends: [PairEnd] = []
  private(set) var mostWaiting = 0
  private var flows: [Direction: Flow] = [:]

  /// How far the nodes' wall clocks are ahead.
  private let ahead: [Interval]

  init(nodes: Int, capacities: [Int], ahead: [Interval]? = nil, seed: UInt64) {
    self.nodes = nodes
    random = SeededGenerator(seed: seed)
    var chosen: [Interval] = []
    for _ in 0..<nodes { chosen.append(.milliseconds(.random(in: 0..<500, using: &random))) }
    self.ahead = ahead ?? chosen
    for index in 0..<nodes {
      node.append(PairNode(index, capacity: capacities[index], ahead: self.ahead[index], at: now, using: &random))
    }
  }

  // MARK: - Faults

  /// A process dies, and its kernel resets the connections.
  mutating func kill(_ index: Int) {
    node[index].isUp = false
    for peer in 0..<nodes where peer != index { reset(index, peer) }
  }

  /// Restarts a node: with empty tables, or those of an earlier time.
  mutating func boot(_ index: Int, restoring records: [AffinityRecord] = [], elapsed: Interval = .zero) {
    node[index] = PairNode(index, capacity: node[index].capacity, ahead: ahead[index], at: now, using: &random)
    node[index].restore(records, elapsed: elapsed, at: now)
  }

  /// Ends the connection of two nodes; bytes in transit are lost.
  mutating func reset(_ one: Int, _ other: Int) {
    for (from, to) in [(one, other), (other, one)] {
      flows[Direction(from: from, to: to)] = nil
      tell(to, from, .closed(reason: "reset"))
      forget(to, from)
    }
  }

  // MARK: - Time

  /// Advances the time in steps of at most `tick`.
  mutating func run(
    for interval: Interval, tick: Interval = .milliseconds(20), step: (inout PairNetwork) -> Void = { _ in }
  ) {
    let end = now + interval
    while now < end {
      now = min(now + .microseconds(.random(in: 1000...tick.nanoseconds / 1000, using: &random)), end)
      deliver()
      for index in 0..<nodes where node[index].isUp { work(index) }
      step(&self)
    }
  }

  private mutating func work(_ index: Int) {
    for peer in 0..<nodes where peer != index {
      if node[index].links[peer] == nil { dial(index, peer) }
      if let deadline = node[index].links[peer]?.deadline, deadline <= node[index].local(now) {
        tell(index, peer, .timer)
      }
    }
    guard now >= node[index].nextBatch else { return }
    node[index].nextBatch = now + .seconds(1)
    for event in node[index].takeChanges(at: now) {
      for peer in node[index].links.keys.sorted() { tell(index, peer, event) }
    }
  }

  private mutating func dial(_ index: Int, _ peer: Int) {
    guard Redial.isDialer("lb\(index)", of: "lb\(peer)"), now >= node[index].nextDial[peer, default: now] else {
      return
    }
    node[index].nextDial[peer] =
      now + node[index].redials[peer, default: Redial()].pause(random: random.next())
    guard node[peer].isUp, !cut.contains([index, peer]) else { return }
    // The other side may not know yet that the earlier connection has ended.
    tell(peer, index, .leave(reason: "another connection"))
    forget(peer, index)
    for (from, to) in [(index, peer), (peer, index)] {
      flows[Direction(from: from, to: to)] = Flow()
      node[from].links[to] = node[from].makeLink(to: to, refresh: refresh, at: now, using: &random)
    }
    tell(index, peer, .opened)
    tell(peer, index, .opened)
  }

  private mutating func deliver() {
    for direction in flows.keys.sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) }) {
      guard !cut.contains([direction.from, direction.to]) else { continue }
      while let first = flows[direction]?.queue.first, first.due <= now {
        flows[direction]?.queue.removeFirst()
        flows[direction]?.waiting -= first.bytes.count
        tell(direction.to, direction.from, .received(first.bytes))
        tell(direction.from, direction.to, .waiting(flows[direction]?.waiting ?? 0))
      }
      if flows[direction]?.isClosed == true, flows[direction]?.queue.isEmpty == true {
        flows[direction] = nil
        tell(direction.to, direction.from, .closed(reason: "closed"))
        forget(direction.to, direction.from)
      }
    }
  }

  // MARK: - Links

  /// Passes an event to a link, and performs its effects.
  mutating func tell(_ index: Int, _ peer: Int, _ event: PairLink.Event) {
    var events = [event]
    while !events.isEmpty {
      let local = node[index].local(now)
      guard let effects = node[index].links[peer]?.handle(events.removeFirst(), at: local, by: &node[index].clock)
      else { return }
      for effect in effects {
        switch effect {
        case .send(let bytes): send(bytes, from: index, to: peer)
        case .ended(let end, let wasJoined):
          ends.append(end)
          forget(index, peer)
          guard wasJoined else { break }
          for other in node[index].links.keys.sorted() {
            tell(index, other, .otherLeft)
            tell(index, other, .adminStates(node[index].adminStates))
          }
        default:
          events += node[index].perform(effect, of: peer, at: now)
          if case .merge(let batch, _) = effect { observe(node[index], batch, now) }
        }
      }
    }
  }

  /// Closes this side of the connection.
  private mutating func forget(_ index: Int, _ peer: Int) {
    node[index].links[peer] = nil
    flows[Direction(from: index, to: peer)]?.isClosed = true
    let redial = node[index].redials[peer, default: Redial()]
    var next = redial
    node[index].nextDial[peer] = now + next.pause(random: random.next())
    node[index].redials[peer] = next
  }

  private mutating func send(_ bytes: [UInt8], from index: Int, to peer: Int) {
    let direction = Direction(from: index, to: peer)
    let kind = bytes[4]
    if kind == 4 { node[index].bytesSent += bytes.count }
    let pause = Interval.microseconds(.random(in: 100...max(delay.nanoseconds / 1000, 101), using: &random))
    let due = max(now + pause, flows[direction]?.queue.last?.due ?? now)
    var sent = bytes
    if hasLaterNode, index == 0, kind != 1 { sent = PairFrame.encoded(200, bytes) + sent }
    flows[direction]?.queue.append((due, sent))
    flows[direction]?.waiting += sent.count
    mostWaiting = max(mostWaiting, flows[direction]?.waiting ?? 0)
  }
}
