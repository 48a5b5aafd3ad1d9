import Domain
import Foundation
import Testing

@testable import Control

/// `docs/control.md` names every member of a report, between `<!-- members of status -->` and `<!-- end -->`.
@Suite struct `The reference of status` {
  /// The paths of all members of a value: `servers[].load.clients`.
  private func paths(in value: Any, under path: String = "") -> Set<String> {
    switch value {
    case let members as [String: Any]:
      members.reduce(into: []) { found, member in
        found.formUnion(paths(in: member.value, under: path.isEmpty ? member.key : "\(path).\(member.key)"))
      }
    case let elements as [Any] where elements.first is [String: Any]:
      elements.reduce(into: []) { $0.formUnion(paths(in: $1, under: path + "[]")) }
    default: [path]
    }
  }

  @Test func `the reference has every member of a full report, and no other`() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/control.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let table = try #require(text.firstMatch(of: /(?s)<!-- members of status -->(.*?)<!-- end -->/)).output.1
    var documented: Set<String> = []
    for row in table.split(separator: "\n") where row.hasPrefix("| `") {
      let cell = row.dropFirst().prefix { $0 != "|" }
      for name in cell.matches(of: /`([^`]+?)(\[\])?`/) { documented.insert(String(name.output.1)) }
    }
    var report = sampleReport
    report.servers = [sampleServer]
    report.servers[0].adminState?.node = "lb2"
    report.servers[0].counts = ServerCounts()
    report.counters.services = [.init(name: "view")]
    report.counters.loops = [LoopCounts()]
    report.limits.rates = .init(connections: "50/s burst 4000", handshakes: nil, requests: nil, isTrial: true)
    report.pair = samplePair
    report.services = [.init(name: "view", mode: "http", names: ["view.domain.local"], listeners: ["*:443"])]
    report.maintenance = [.init(service: "view", since: sampleTime, node: "lb1")]
    let members = paths(in: try JSONSerialization.jsonObject(with: Data(report.json.utf8)))
    #expect(members.subtracting(documented).isEmpty, "not in the reference")
    #expect(documented.subtracting(members).isEmpty, "not in a report")
  }
}
