import Balancing
import Domain
import Simulation
import Wire

@testable import Pair

/// One node of a simulated pair: a real table and real links, and the part of the worker between them.
final class PairNode {
  static let hold = Interval.minutes(90)
  static let service = AssignmentBatch.serviceID(of: "view")

  let index: Int
  let capacity: Int
  private(set) var table: AffinityTable
  var clock: AssignmentClock
  var links: [Int: PairLink] = [:]
  var redials: [Int: Redial] = [:]
  var nextDial: [Int: Instant] = [:]
  var nextBatch: Instant
  private(set) var adminStates: [String: AdminState] = [:]
  /// What the others have told of themselves.
  private(set) var told: [Int: (facts: NodeFacts?, vitals: [UInt8]?)] = [:]
  /// Whose snapshot has come since the start.
  var snapshots: Set<Int> = []
  var isUp = true
  /// Number of bytes of assignments that were sent.
  var bytesSent = 0
  /// The monotonic clock is ahead of the simulation's by this.
  private let origin: Interval

  /// `ahead`: of its wall clock.
  init(_ index: Int, capacity: Int, ahead: Interval, at now: Instant, using random: inout SeededGenerator) {
    self.index = index
    self.capacity = capacity
    origin = .seconds(.random(in: 0..<100_000_000, using: &random))
    nextBatch = now + .milliseconds(.random(in: 0..<1000, using: &random))
    let wall = WallTime(seconds: 1_790_000_000) + Interval(nanoseconds: now.nanoseconds) + ahead
    clock = AssignmentClock(wall, at: now + origin)
    table = AffinityTable(
      capacity: capacity, hold: Self.hold, hash: ClientHash(seed: random.next(), random.next()), changeLimit: 1024,
      clock: AssignmentClock(wall, at: now + origin + .hours(8 * 24)))
  }

  var name: String { "lb\(index)" }

  /// By this node's clock.
  func local(_ now: Instant) -> Instant { now + origin }
  /// The time in the resolution of the tables.
  func shifted(_ now: Instant) -> Instant { now + origin + .hours(8 * 24) }

  func makeLink(to peer: Int, refresh: Interval, at now: Instant, using random: inout SeededGenerator) -> PairLink {
    PairLink(
      own: PairHello(name: name, release: "1", incarnation: random.next()), peer: "lb\(peer)", refresh: refresh,
      at: local(now))
  }

  func server(of client: ClientKey, at now: Instant) -> ServerID? { table.lookup(client, at: shifted(now)) }
  func assign(_ client: ClientKey, to server: ServerID, at now: Instant) {
    table.assign(client, to: server, at: shifted(now))
  }
  func sessionBegan(_ client: ClientKey, on server: ServerID, at now: Instant) -> AffinityTable.Session {
    table.sessionBegan(client, on: server, at: shifted(now))
  }
  func sessionEnded(_ session: AffinityTable.Session, at now: Instant) {
    table.sessionEnded(session, at: shifted(now))
  }

  func records(at now: Instant) -> [AffinityRecord] { table.records(in: 0..<table.slotCount, at: shifted(now)) }

  /// Loads a file written at this time.
  func restore(_ records: [AffinityRecord], elapsed: Interval, at now: Instant) {
    table.merge(records[...], from: .file, asOf: shifted(now) - elapsed, at: shifted(now))
  }

  /// The clients and their servers.
  func assignments(at now: Instant) -> [ClientKey: ServerID] {
    Dictionary(records(at: now).map { ($0.client, $0.server) }) { $1 }
  }

  /// An operator requests a weight here, later than all that this node knows of.
  func setWeight(_ weight: Int, of server: String, at now: Instant) -> AdminState {
    let last = adminStates.values.map(\.since.milliseconds).max() ?? 0
    let time = WallTime(nanoseconds: local(now).nanoseconds).milliseconds
    let state = AdminState(weight: weight, since: WallTime(milliseconds: max(time, last + 1)), node: name)
    adminStates[server] = state
    return state
  }

  /// The messages to send to all other nodes.
  func takeChanges(at now: Instant) -> [PairLink.Event] {
    advanceClock(at: now)
    var events: [PairLink.Event] = []
    while true {
      let changes = table.takeChanges(limit: 512, at: shifted(now))
      if !changes.records.isEmpty { events.append(.changes(batch(changes.records))) }
      if changes.areIncomplete { events.append(.missedChanges) }
      guard changes.hasMore else { return events }
    }
  }

  private func advanceClock(at now: Instant) {
    table.clock.advance(to: clock.time(at: local(now)), at: shifted(now))
  }

  /// Performs what a link asks for, except sending and ending; returns what the link is told.
  func perform(_ effect: PairLink.Effect, of peer: Int, at now: Instant) -> [PairLink.Event] {
    switch effect {
    case .joined:
      redials[peer, default: Redial()].joined()
      advanceClock(at: now)
      let facts = NodeFacts(release: name, since: WallTime(seconds: 0))
      return [.adminStates(adminStates), .facts(facts.encoded()), .vitals([UInt8(index)])]
    case .copy(let position, let activeSince):
      let records = table.records(
        in: Int(position)..<Int(position) + 512, activeSince: activeSince.map { $0 + .hours(8 * 24) },
        at: shifted(now))
      let next = position + 512
      return [.copied(records.isEmpty ? nil : batch(records), next: next < table.slotCount ? next : nil)]
    case .merge(let batch, let moment):
      table.merge(
        batch.records[...], from: .node(UInt8(peer)), asOf: moment + .hours(8 * 24),
        at: shifted(now))
    case .snapshotEnded: snapshots.insert(peer)
    case .adminStates(let states): adminStates.merge(states) { $1.isLater(than: $0) ? $1 : $0 }
    case .facts(let bytes): told[peer, default: (nil, nil)].facts = try? NodeFacts(decoding: bytes)
    case .vitals(let bytes): told[peer, default: (nil, nil)].vitals = bytes
    case .send, .stream, .ended: break
    }
    return []
  }

  private func batch(_ records: [AffinityRecord]) -> AssignmentBatch {
    AssignmentBatch(service: Self.service, table: .addresses, records: records)
  }
}
