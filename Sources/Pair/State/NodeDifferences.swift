import Domain
import Wire

/// Something that differs between this node and another one.
package enum NodeDifference: Hashable, Sendable {
  case release(here: String, there: String)
  /// The clocks are this far apart.
  case clock(Interval)
  /// A section of the configuration.
  case section(String)
  /// The certificates of a service, whose name is empty if it has none; nil: it has no certificate.
  case certificates(service: String, here: String?, there: String?)
  /// A server's state; nil: it is not configured.
  case server(String, here: ServerState?, there: ServerState?)
  /// Both nodes have the virtual router's addresses.
  case active(router: String)

  /// What is compared, in one word.
  package enum Subject: String, Sendable {
    case release, clock, configuration, certificates, server, router
  }

  package var subject: Subject {
    switch self {
    case .release: .release
    case .clock: .clock
    case .section: .configuration
    case .certificates: .certificates
    case .server: .server
    case .active: .router
    }
  }

  /// `view01: up here, down on lb2`; `peer` names the other node.
  package func text(from peer: String) -> String {
    func both(_ what: String, _ here: String, _ there: String) -> String {
      "\(what): \(here) here, \(there) on \(peer)"
    }
    return switch self {
    case .release(let here, let there): both("release", here, there)
    case .clock(let difference): "clock: \(difference.milliseconds / 1000) s apart from \(peer)"
    case .section(let name): "configuration: \(name) differs from \(peer)'s"
    case .certificates(let service, let here, let there):
      both(service.isEmpty ? "certificates" : "certificates of \(service)", here ?? "none", there ?? "none")
    case .server(let name, let here, let there):
      both(name, here.map { "\($0)" } ?? "not configured", there.map { "\($0)" } ?? "not configured")
    case .active(let router): "\(router): active here and on \(peer)"
    }
  }

  /// The same but for a figure that changes all the time.
  package func isSame(as other: NodeDifference) -> Bool {
    if case (.clock, .clock) = (self, other) { true } else { self == other }
  }
}

extension NodeDifference {
  /// Maximum of differences that are reported.
  package static let limit = 64
  /// Clocks that differ by less are not mentioned.
  private static let clockTolerance = Interval.seconds(2)

  /// The differences between the latest reports of two nodes, at most `limit`. `clock`: the difference of their clocks.
  package static func between(
    _ here: (facts: NodeFacts, vitals: NodeVitals), _ there: (facts: NodeFacts, vitals: NodeVitals), clock: Interval
  ) -> [NodeDifference] {
    let (mine, theirs) = (here.facts, there.facts)
    var differences: [NodeDifference] = []
    if mine.release != theirs.release { differences.append(.release(here: mine.release, there: theirs.release)) }
    if clock > clockTolerance { differences.append(.clock(clock)) }
    differences += compared(mine.sections.map { ($0.name, $0.digest) }, theirs.sections.map { ($0.name, $0.digest) })
      .map { .section($0.name) }
    differences += compared(mine.certificateLists, theirs.certificateLists)
      .map { .certificates(service: $0.name, here: $0.here, there: $0.there) }
    // A server that one node has not checked yet is no difference.
    let unknown = Set((mine.servers + theirs.servers).filter { $0.state == nil }.map(\.name))
    differences += compared(mine.states(without: unknown), theirs.states(without: unknown))
      .map { .server($0.name, here: $0.here, there: $0.there) }
    let active = Set(there.vitals.routers.filter { $0.role == .active }.map(\.name))
    differences += here.vitals.routers.filter { $0.role == .active && active.contains($0.name) }
      .map { .active(router: $0.name) }
    return Array(differences.prefix(limit))
  }
}

extension NodeFacts {
  /// The certificates of each service, in the order of their fingerprints.
  fileprivate var certificateLists: [(String, String)] {
    Dictionary(grouping: certificates, by: \.service).sorted { $0.key < $1.key }.map { service, list in
      let texts = list.map { "\($0.fingerprint.description.prefix(16)) until \($0.notAfter.date)" }
      return (service, texts.sorted().joined(separator: " and "))
    }
  }

  fileprivate func states(without unknown: Set<String>) -> [(String, ServerState)] {
    servers.compactMap { server in unknown.contains(server.name) ? nil : server.state.map { (server.name, $0) } }
  }
}

/// The names whose values differ, or that only one list has.
private func compared<Value: Equatable>(
  _ here: [(String, Value)], _ there: [(String, Value)]
) -> [(name: String, here: Value?, there: Value?)] {
  let (mine, theirs) = (Dictionary(here) { $1 }, Dictionary(there) { $1 })
  let names = here.map(\.0) + there.map(\.0).filter { mine[$0] == nil }
  return names.filter { mine[$0] != theirs[$0] }.map { ($0, mine[$0], theirs[$0]) }
}
