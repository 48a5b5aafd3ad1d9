import Foundation
import Testing

@testable import Doctor

@Suite struct `The manual of doctor` {
  @Test func `the manual has the row of each check, in the table's order`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/doctor.md")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
    let rows = Check.all.map { "| `\($0.name)` | \($0.question) | \($0.source) |" }
    #expect(lines.filter { $0.hasPrefix("| `") && $0.contains("? |") } == rows)
    let headings = lines.filter { $0.hasPrefix("## ") }.flatMap { $0.dropFirst(3).split(separator: ", ") }
    #expect(headings.map(String.init) == Check.all.map(\.name))
  }
}
