import Configuration
import Pair
import Wire

/// The pair in the supervisor: when facts and vitals of this node are sent, and the reports of the other nodes. The
/// worker transmits both. Pure: time is a parameter.
struct PairService {
  /// This node's name.
  let name: String
  /// The other nodes.
  var peers: PeerNodes
  private var watches: [String: DifferenceWatch] = [:]
  private var nextWatch: Instant
  private var sentFacts: Sent<NodeFacts>?
  private var sentVitals: Sent<NodeVitals>?

  private struct Sent<Value> {
    let value: Value
    let at: Instant
  }

  /// How often the others get a sign of life, and the least time between two changes of what changes seldom.
  private static let period = Interval.seconds(1)

  /// Nil without a pair.
  init?(_ pair: Configuration.Pair?, at now: Instant, _ time: WallTime) {
    guard let pair else { return nil }
    name = pair.node
    nextWatch = now
    peers = PeerNodes(pair.others.map(\.name), at: now, time)
  }

  /// A new worker needs this node's facts and vitals again.
  mutating func workerStarted() { (sentFacts, sentVitals) = (nil, nil) }

  /// Whether these are to be sent now; the caller then does so.
  mutating func isDue(_ facts: NodeFacts, at now: Instant) -> Bool {
    if let sent = sentFacts, sent.value == facts || now < sent.at + Self.period { return false }
    sentFacts = Sent(value: facts, at: now)
    return true
  }

  /// Whether these are to be sent now; the caller then does so.
  mutating func isDue(_ vitals: NodeVitals, at now: Instant) -> Bool {
    if let sent = sentVitals, !vitals.isNews(after: sent.value), now < sent.at + Self.period { return false }
    sentVitals = Sent(value: vitals, at: now)
    return true
  }

  /// What differs between this node and each of the others that answers.
  func differences(
    from own: (facts: NodeFacts, vitals: NodeVitals), at now: Instant
  ) -> [(peer: String, differences: [NodeDifference])] {
    peers.nodes.compactMap { peer in
      guard peer.answers(at: now), let facts = peer.facts, let vitals = peer.vitals else { return nil }
      let differences = NodeDifference.between(own, (facts, vitals), clock: peer.clockDifference ?? .zero)
      return (peer.name, differences)
    }
  }

  /// Compares the nodes, once a second; returns what is to be logged.
  mutating func watch(
    _ own: (facts: NodeFacts, vitals: NodeVitals), at now: Instant
  ) -> [(peer: String, note: DifferenceWatch.Note)] {
    guard now >= nextWatch else { return [] }
    nextWatch = now + Self.period
    return differences(from: own, at: now).flatMap { peer, differences in
      watches[peer, default: DifferenceWatch()].observe(differences, at: now).map { (peer, $0) }
    }
  }
}
