import Configuration
import Control
import Domain
import Linux
import Logging
import Pair
import WorkerProtocol
import Wire

/// The exchange of reports between the nodes of a pair, and their differences.
extension Supervision {
  /// Passes this node's facts and vitals to the worker, which sends them to the other nodes, and logs differences.
  mutating func servePair(at now: Instant) {
    // Without a worker, this node knows little of itself.
    guard pair != nil, workerState.state == .serving else { return }
    let own = (facts: ownFacts, vitals: ownVitals)
    // A worker that does not read gets the latest later.
    if worker?.link.isEmpty == true {
      if pair?.isDue(own.vitals, at: now) == true { worker?.link.send(.nodeVitals(own.vitals.encoded())) }
      if pair?.isDue(own.facts, at: now) == true {
        for piece in BytePiece.pieces(of: own.facts.encoded()) { worker?.link.send(.nodeFacts(piece)) }
      }
      worker?.link.flush()
    }
    for (peer, note) in pair?.watch(own, at: now) ?? [] { log(note, from: peer) }
  }

  /// For a report; nil without a pair.
  func pairReport(at time: WallTime) -> StatusReport.Pair? {
    pair?.report(own: (ownFacts, ownVitals), at: Clock.monotonic(), time)
  }

  private func log(_ note: DifferenceWatch.Note, from peer: String) {
    switch note {
    case .began(let difference):
      log.warning("pair: difference: \(difference.text(from: peer))", metadata: difference.metadata(peer))
    case .ended(let difference):
      log.notice("pair: difference has ended: \(difference.text(from: peer))", metadata: difference.metadata(peer))
    }
  }

  /// Takes another node's vitals, and reports them to the virtual routers.
  mutating func take(vitals bytes: [UInt8], of node: String, at now: Instant) {
    do throws(PairError) { try pair?.peers.take(vitals: bytes, of: node, at: now, .now) } catch { log(error, of: node) }
    failover.note(pair?.peers.vitals(of: node, at: now), of: node, at: now)
  }

  /// Compares what this node and the others reach, for the priorities of the virtual routers.
  mutating func compareServers() {
    guard let pair else { return }
    let now = Clock.monotonic()
    let others = pair.peers.nodes.compactMap { node in
      pair.peers.vitals(of: node.name, at: now).map { (name: node.name, vitals: $0) }
    }
    failover.compare(status.serviceVitals, with: others, delay: active.plan.noticeDelay, at: now)
  }

  /// Takes a piece of what changes seldom.
  mutating func take(facts piece: BytePiece, of node: String) {
    do throws(PairError) { try pair?.peers.take(facts: piece, of: node) } catch { log(error, of: node) }
  }

  private func log(_ error: PairError, of node: String) {
    log.warning("pair: invalid report from \(node): \(error)", metadata: ["node": "\(node)"])
  }

  private var ownVitals: NodeVitals {
    var vitals = NodeVitals(wall: .now)
    (vitals.sessions, vitals.connections) = status.occupancy
    vitals.routers = failover.roles
    vitals.services = status.serviceVitals
    return vitals
  }

  private var ownFacts: NodeFacts {
    var facts = NodeFacts(release: origin.version, since: origin.began)
    facts.sections = status.description.sections.map { .init(name: $0.name, digest: $0.digest) }
    facts.certificates = status.presentedCertificates
    facts.servers = status.serverStates.map { .init(name: $0.name, state: $0.state) }
    facts.findings = ownFindings
    return facts
  }
}

extension NodeDifference {
  /// The journal's fields.
  fileprivate func metadata(_ peer: String) -> Logger.Metadata {
    var metadata: Logger.Metadata = ["node": "\(peer)", "difference": "\(subject.rawValue)"]
    if case .server(let name, _, _) = self { metadata["server"] = "\(name)" }
    if case .active(let router) = self { metadata["router"] = "\(router)" }
    return metadata
  }
}

extension ServiceStatus {
  /// The number of reachable servers of each service; a service is left out until all of its servers were checked. A
  /// server in drain counts: it is in drain on the other nodes too.
  var serviceVitals: [NodeService] {
    let services = Dictionary(grouping: serverStates) { String(ServerName.parts(of: $0.name).service ?? "") }
    return services.sorted { $0.key < $1.key }.compactMap { name, servers in
      guard servers.allSatisfy({ $0.state != nil }) else { return nil }
      let healthy = servers.count { $0.state?.takesKnownClients == true }
      return .init(name: name, healthy: UInt16(clamping: healthy), servers: UInt16(clamping: servers.count))
    }
  }

  /// Those that are presented to clients, with their services.
  var presentedCertificates: [NodeCertificate] {
    let services = description.certificateServices
    return servedCertificates.compactMap { index, certificate in
      guard index < services.count, let fingerprint = Fingerprint(certificate.fingerprint) else { return nil }
      return .init(service: services[index], fingerprint: fingerprint, notAfter: certificate.notAfter)
    }
  }
}
