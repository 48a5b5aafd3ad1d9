import Control
import Domain
import Pair
import Wire

/// The pair in a report.
extension PairService {
  /// This node, the others and their differences. `own`: the facts that this node sends to the others.
  func report(own: (facts: NodeFacts, vitals: NodeVitals), at now: Instant, _ time: WallTime) -> StatusReport.Pair {
    var report = StatusReport.Pair(node: name)
    var node = StatusReport.Node(name: name, answers: true, heard: time)
    node.fill(own.facts, own.vitals, servers: nil)
    report.nodes = [node]
    let servers = Set(own.facts.servers.map(\.name))
    for peer in peers.nodes {
      var node = StatusReport.Node(name: peer.name, answers: peer.answers(at: now), heard: peer.heardTime)
      node.fill(peer.facts, peer.vitals, servers: servers)
      node.clockDifference = peer.clockDifference?.milliseconds
      report.nodes.append(node)
    }
    report.differences = differences(from: own, at: now).flatMap { peer, list in
      list.map { .init(node: peer, subject: $0.subject.rawValue, text: $0.text(from: peer)) }
    }
    return report
  }
}

extension StatusReport.Node {
  /// Maximum of certificates in a report, of each node.
  private static let certificateLimit = 64

  /// `servers`: those that are shown; nil: all.
  fileprivate mutating func fill(_ facts: NodeFacts?, _ vitals: NodeVitals?, servers known: Set<String>?) {
    if let facts {
      version = facts.release
      since = facts.since
      servers = facts.servers.filter { known?.contains($0.name) ?? true }
      certificates = Array(facts.certificates.prefix(Self.certificateLimit))
      findings = facts.findings
    }
    if let vitals {
      (sessions, connections) = (vitals.sessions, vitals.connections)
      routers = vitals.routers.map { .init(name: $0.name, state: $0.role, priority: UInt64($0.priority)) }
      services = vitals.services
    }
  }
}
