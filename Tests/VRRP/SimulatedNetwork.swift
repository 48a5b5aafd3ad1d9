import Simulation
import Wire

@testable import VRRP

/// Several nodes on one link in virtual time. Packets are lost, delayed, duplicated and reordered as configured by
/// `LinkFaults`; nodes freeze, die and restart. The same seed gives the same simulation.
struct SimulatedNetwork {
  /// The faults of the link.
  struct LinkFaults: Hashable {
    var loss = 0
    var duplication = 0
    var delay: Interval
    /// The directions between nodes in which no packets pass: `cut[from][to]`.
    var cut: [[Bool]]
    /// The directions between nodes in which all packets except advertisements pass.
    var filtered: [[Bool]]
  }

  /// The content of a packet.
  private enum Content {
    case advertisement([UInt8])
    case claim(AddressClaim)
    case probe
  }

  private struct Packet {
    var due: Instant
    var to: Int
    var from: Int
    var content: Content
  }

  /// A change of a node at a scheduled time.
  private struct ScheduledChange {
    var due: Instant
    var node: Int
    var what: Change
  }

  enum Change: Hashable {
    case boot, thaw
    case report(track: Int, isGood: Bool)
    case source(isThere: Bool)
  }

  var nodes: [SimulatedNode]
  var faults: LinkFaults
  var random: SeededGenerator
  private(set) var now = Instant(nanoseconds: 0)
  private(set) var steps = 0
  private(set) var packetsSent = 0
  /// How often each node announced the address.
  private(set) var announcements: [Int]
  /// The node that announced it last, to which clients connect, and how often that changed.
  private(set) var answering: Int?
  private(set) var moves = 0
  /// Violated invariants, with their times.
  private(set) var broken: [String] = []
  private var flying: [Packet] = []
  private var scheduled: [ScheduledChange] = []
  private var stepsAtOnce = 0

  init(nodes: [SimulatedNode], delay: Interval, seed: UInt64) {
    self.nodes = nodes
    let none = [[Bool]](repeating: [Bool](repeating: false, count: nodes.count), count: nodes.count)
    faults = LinkFaults(delay: delay, cut: none, filtered: none)
    announcements = [Int](repeating: 0, count: nodes.count)
    random = SeededGenerator(seed: seed)
  }

  // MARK: - Changes of nodes

  mutating func make(_ change: Change, of node: Int, after interval: Interval = .zero) {
    guard interval > .zero else { return carryOut(change, node) }
    scheduled.append(ScheduledChange(due: now + interval, node: node, what: change))
  }

  private mutating func carryOut(_ change: Change, _ node: Int) {
    switch change {
    case .boot:
      guard nodes[node].process == .off else { return }
      nodes[node].boot(at: now)
      tell(node, .source(nodes[node].source))
      tell(node, .start)
      for track in nodes[node].router.conditions.tracked.tracks.indices { tell(node, .track(track, isGood: true)) }
    case .thaw:
      guard nodes[node].process == .frozen else { return }
      nodes[node].process = .running
      for packet in nodes[node].unread { receive(packet.bytes, from: packet.from, node) }
      nodes[node].unread = []
    case .report(let track, let isGood): tell(node, .track(track, isGood: isGood))
    case .source(let isThere): tell(node, .source(isThere ? nodes[node].source : nil))
    }
  }

  /// Cancels the scheduled changes of a node.
  mutating func forgetPlans(of node: Int) { scheduled.removeAll { $0.node == node } }

  /// Ends a process without a hand-over. `keepsAddress`: only the process dies, and its kernel keeps the address until
  /// the lease ends.
  mutating func kill(_ node: Int, keepsAddress: Bool) {
    forgetPlans(of: node)
    nodes[node].process = .off
    if !keepsAddress { nodes[node].addressUntil = nil }
  }

  /// What the service manager does after a process died: removes the address, and sends the process's shutdown
  /// advertisements.
  mutating func release(_ node: Int) {
    let words = nodes[node].isActive ? nodes[node].router.shutdownAdvertisements : []
    kill(node, keepsAddress: false)
    for advertisement in words { send(advertisement, from: node) }
  }

  mutating func freeze(_ node: Int) {
    guard nodes[node].process == .running else { return }
    nodes[node].process = .frozen
  }

  /// Passes an event to a node, if its process runs, and performs the effects.
  mutating func tell(_ node: Int, _ event: VirtualRouter.Event) {
    guard nodes[node].process == .running else { return }
    steps += 1
    let (effects, wrong) = nodes[node].handle(event, at: now)
    for what in wrong { report(node, what) }
    for effect in effects { perform(effect, of: node) }
    if let deadline = nodes[node].router.deadline, deadline <= now { stepsAtOnce += 1 } else { stepsAtOnce = 0 }
    if stepsAtOnce > 50 { report(node, "is due again and again at one instant") }
  }

  mutating func report(_ node: Int, _ what: String) {
    guard broken.count < 20 else { return }
    broken.append("\(now.milliseconds) ms: node \(node) \(what)")
  }

  private mutating func perform(_ effect: VirtualRouter.Effect, of node: Int) {
    switch effect {
    case .send(let advertisement): send(advertisement, from: node)
    case .announce(let times):
      announcements[node] += times
      if answering != node { moves += 1 }
      answering = node
      for _ in 0..<min(times, 2) { broadcast(.claim(.announced), from: node) }
    case .probe: broadcast(.probe, from: node)
    case .stopped:
      forgetPlans(of: node)
      nodes[node].process = .off
    case .holdAddresses, .dropAddresses, .note, .transitioned, .failedOver, .failedBack: break
    }
  }

  private mutating func send(_ advertisement: Advertisement, from node: Int) {
    let group = Advertisement.multicastGroup(.v4)
    let source = nodes[node].source
    let bytes = nodes[node].channel.encode(advertisement, from: source, to: group, at: nodes[node].wall(at: now))
    broadcast(.advertisement(bytes), from: node)
  }

  private mutating func broadcast(_ content: Content, from node: Int) {
    packetsSent += 1
    var passes = [Bool](repeating: true, count: nodes.count)
    if case .advertisement = content { passes = faults.filtered[node].map { !$0 } }
    for other in nodes.indices where other != node && !faults.cut[node][other] && passes[other] {
      guard !chance(faults.loss) else { continue }
      for _ in 0..<(chance(faults.duplication) ? 2 : 1) {
        let delay = Interval(nanoseconds: .random(in: 1...faults.delay.nanoseconds, using: &random))
        flying.append(Packet(due: now + delay, to: other, from: node, content: content))
      }
    }
  }

  /// True with a probability in percent.
  mutating func chance(_ percent: Int) -> Bool {
    percent > 0 && Int.random(in: 0..<100, using: &random) < percent
  }

  private mutating func receive(_ bytes: [UInt8], from source: IPAddress, _ node: Int) {
    let time = nodes[node].wall(at: now)
    let packet = ReceivedPacket(
      source: source, destination: Advertisement.multicastGroup(.v4), hopLimit: 255, payload: bytes.span)
    guard let advertisement = try? nodes[node].channel.decode(packet, at: time) else { return }
    tell(node, .advertisement(advertisement, from: source))
  }

  // MARK: - Time

  /// Advances the time by an interval, and calls `observe` after each instant with an event.
  mutating func run(for interval: Interval, observing observe: (inout SimulatedNetwork) -> Void = { _ in }) {
    let end = now + interval
    while let next = nextInstant, next <= end {
      now = max(now, next)
      step()
      observe(&self)
    }
    now = end
  }

  private var nextInstant: Instant? {
    let own = nodes.flatMap { [$0.deadline.map { max($0, now) }, $0.addressUntil] }.compactMap { $0 }
    return (own + flying.map(\.due) + scheduled.map(\.due)).min()
  }

  /// Processes everything that is due now.
  private mutating func step() {
    for node in nodes.indices { for what in nodes[node].expireAddress(at: now) { report(node, what) } }
    while let index = scheduled.firstIndex(where: { $0.due <= now }) {
      let appointment = scheduled.remove(at: index)
      carryOut(appointment.what, appointment.node)
    }
    while let index = flying.firstIndex(where: { $0.due <= now }) { deliver(flying.remove(at: index)) }
    for node in nodes.indices { if let deadline = nodes[node].deadline, deadline <= now { tell(node, .timer) } }
  }

  private mutating func deliver(_ packet: Packet) {
    let source = nodes[packet.from].source
    let bytes: [UInt8]
    switch packet.content {
    case .claim(let claim): return tell(packet.to, .claimed(claim, by: "node \(packet.from)"))
    // The kernel answers, whatever the state of its process.
    case .probe:
      if nodes[packet.to].addressUntil != nil { broadcast(.claim(.answered), from: packet.to) }
      return tell(packet.to, .claimed(.sought, by: "node \(packet.from)"))
    case .advertisement(let sent): bytes = sent
    }
    switch nodes[packet.to].process {
    case .off: break
    case .running: receive(bytes, from: source, packet.to)
    case .frozen: nodes[packet.to].keep(bytes, from: source)
    }
  }
}
