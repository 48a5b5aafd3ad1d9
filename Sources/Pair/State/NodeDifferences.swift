import Domain
import Wire

extension NodeFacts {
  /// Clocks that differ by less are not mentioned.
  private static let clockTolerance = Interval.seconds(2)

  /// What differs between this node and another one, a line for each: `view01: up here, down on lb2`. `wall` of this
  /// node is the time at which the other's facts were received.
  package func differences(from other: NodeFacts, on peer: String) -> [String] {
    var lines: [String] = []
    if release != other.release { lines.append("release: \(release) here, \(other.release) on \(peer)") }
    let skew = max(wall - other.wall, other.wall - wall)
    if skew > Self.clockTolerance { lines.append("clock: \(skew.milliseconds / 1000) s apart from \(peer)") }
    lines += compared(sections.map { ($0.name, $0.digest) }, other.sections.map { ($0.name, $0.digest) }) {
      name, _, _ in "configuration: \(name) differs from \(peer)'s"
    }
    lines += compared(certificateLists, other.certificateLists) { service, here, there in
      let prefix = service.isEmpty ? "certificates" : "certificates of \(service)"
      return "\(prefix): \(here ?? "none") here, \(there ?? "none") on \(peer)"
    }
    lines += compared(servers.map { ($0.name, $0.words) }, other.servers.map { ($0.name, $0.words) }) {
      "\($0): \($1 ?? "not configured") here, \($2 ?? "not configured") on \(peer)"
    }
    let theirs = Dictionary(other.routers.map { ($0.name, $0.role) }) { $1 }
    for router in routers where router.role == .active && theirs[router.name] == .active {
      lines.append("\(router.name): active here and on \(peer)")
    }
    return lines
  }

  /// The certificates of each service, in the order of their fingerprints.
  private var certificateLists: [(String, String)] {
    Dictionary(grouping: certificates, by: \.service).sorted { $0.key < $1.key }.map { service, list in
      let texts = list.map { "\($0.fingerprint.description.prefix(16)) until \($0.notAfter.date)" }
      return (service, texts.sorted().joined(separator: " and "))
    }
  }
}

extension NodeFacts.Server {
  /// `up`, `down, drain`.
  fileprivate var words: String {
    let wanted = adminState?.description ?? ""
    return [state.map { "\($0)" } ?? "unknown", wanted].filter { !$0.isEmpty }.joined(separator: ", ")
  }
}

/// The lines for names whose values differ, or that only one list has.
private func compared<Value: Equatable>(
  _ here: [(String, Value)], _ there: [(String, Value)], line: (String, Value?, Value?) -> String
) -> [String] {
  let (mine, theirs) = (Dictionary(here) { $1 }, Dictionary(there) { $1 })
  let names = here.map(\.0) + there.map(\.0).filter { mine[$0] == nil }
  return names.filter { mine[$0] != theirs[$0] }.map { line($0, mine[$0], theirs[$0]) }
}
