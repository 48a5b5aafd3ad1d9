import Foundation
import Testing
import Wire

@testable import Observe

/// Files of the repository that tests compare with, and write when asked to.
private struct TestFile {
  let path: URL

  init(_ path: String) { self.path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: path) }

  var text: String { (try? String(contentsOf: path, encoding: .utf8)) ?? "" }

  /// Compares the text with the file, or writes it when the environment has the variable.
  func expect(_ text: String, orWriteFor variable: String) throws {
    if ProcessInfo.processInfo.environment[variable] != nil {
      try text.write(to: path, atomically: true, encoding: .utf8)
    } else {
      #expect(self.text == text)
    }
  }
}

private let full = Exposition(
  sampleReport, version: "0.1.0", certificateEnd: WallTime(seconds: 1_800_000_000))

@Suite struct `Metrics as text` {
  @Test(arguments: [(Exposition.Format.prometheus, "prometheus"), (.openMetrics, "openmetrics")])
  func `a full report has this text in each format`(_ format: Exposition.Format, _ name: String) throws {
    let text = full.text(format)
    try TestFile("Golden/\(name).txt").expect(text, orWriteFor: "BELVEDERE_UPDATE_GOLDEN")
  }

  @Test func `a full report has a sample of every metric`() {
    let missing = Metrics.all.filter { !full.metrics.contains($0) }
    #expect(missing.map(\.name).isEmpty)
  }

  @Test func `no series occurs twice`() {
    let lines = full.text(.prometheus).split(separator: "\n")
    let names = lines.filter { !$0.hasPrefix("#") }.map { line in line[..<(line.lastIndex(of: " ") ?? line.endIndex)] }
    #expect(Set(names).count == names.count)
  }

  @Test func `without a report only the observer's own metrics remain`() {
    let exposition = Exposition(nil, version: "0.1.0")
    #expect(exposition.metrics.map(\.name) == ["belvedere_up", "belvedere_observer_build_info"])
    #expect(exposition.text(.prometheus).contains("\nbelvedere_up 0\n"))
  }

  @Test func `names follow Prometheus's conventions`() {
    // A gauge and a counter of one name would be one family of OpenMetrics.
    #expect(Set(Metrics.all.map(\.base)).count == Metrics.all.count)
    for metric in Metrics.all {
      #expect(metric.name.hasPrefix("belvedere_"))
      #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter))
      #expect(metric.name.utf8.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || $0 == UInt8(ascii: "_") })
      #expect(!metric.help.contains("\n") && !metric.help.contains("\\"), "it would need escapes")
    }
  }

  /// `docs/metrics.md` has the list between `<!-- metrics -->` and `<!-- end -->`.
  ///
  /// `BELVEDERE_UPDATE_REFERENCE=1 swift test --filter ExpositionTests` writes it.
  @Test func `the manual lists all metrics, and no other`() throws {
    let page = TestFile("../../docs/metrics.md")
    let rows = Metrics.all.map { metric in
      let labels = metric.labels.map { "`\($0)`" }.joined(separator: ", ")
      return "| `\(metric.name)` | \(metric.kind.rawValue) | \(labels) | \(metric.help) |\n"
    }
    let table = "| Name | Type | Labels | Meaning |\n|---|---|---|---|\n" + rows.joined()
    let text = page.text
    let start = try #require(text.firstRange(of: "<!-- metrics -->\n")?.upperBound)
    let end = try #require(text[start...].firstRange(of: "<!-- end -->")?.lowerBound)
    try page.expect(text[..<start] + table + text[end...], orWriteFor: "BELVEDERE_UPDATE_REFERENCE")
  }
}

@Suite struct `The format of an answer` {
  @Test(arguments: [
    ("", Exposition.Format.prometheus), ("*/*", .prometheus), ("text/plain;version=0.0.4", .prometheus),
    ("application/openmetrics-text", .openMetrics), ("application/openmetrics-text; version=1.0.0", .openMetrics),
    ("application/openmetrics-text;version=0.0.1", .prometheus),
    ("APPLICATION/OpenMetrics-Text ; Version=1.0.0 ; q=0.9 , text/plain;q=0.5", .openMetrics),
    ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain", .prometheus),
    ("application/openmetrics-text;q=0,text/plain;q=0", .prometheus),
    ("application/openmetrics-text;q=2", .prometheus), ("application/openmetrics-text;q=0.5.5", .prometheus),
    ("application/openmetrics-text;q=0.x", .prometheus), (";;;,,=,;q=", .prometheus),
    ("application/openmetrics-text;version=\"1.0.0\"", .openMetrics),
    ("application/openmetrics-text;version=\"", .prometheus),
    ("application/openmetrics-text;q=0.5,text/*;q=0.9", .prometheus),
    ("application/openmetrics-text;q=0.5,text/plain;q=0.4,text/*;q=0.9", .openMetrics),
    ("application/openmetrics-text;q=0.5,*/*;q=0.1", .openMetrics),
  ])
  func `is what the client prefers (RFC 9110 §12.5.1)`(_ field: String, _ format: Exposition.Format) {
    #expect(MediaRange.format(accepting: field) == format)
  }
}
