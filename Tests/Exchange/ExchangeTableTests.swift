import Foundation
import Properties
import Simulation
import Testing

/// `Golden/exchange.txt` is the table of decisions, for review.
@Suite struct ExchangeTableTests {
  private static let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/exchange.txt")
  private static let isUpdating = ProcessInfo.processInfo.environment["BELVEDERE_UPDATE_GOLDEN"] != nil

  @Test(.enabled(if: !isUpdating))
  func `the exchange matches the table in the repository`() throws {
    let written = try String(contentsOf: Self.path, encoding: .utf8).components(separatedBy: "\n")
    let now = ExchangeTable.text.components(separatedBy: "\n")
    for (line, (old, new)) in zip(written, now).enumerated() where old != new {
      Issue.record("line \(line + 1) is now: \(new)")
      break
    }
    #expect(written.count == now.count)
  }

  @Test(.enabled(if: isUpdating)) func `the table is rewritten`() throws {
    try ExchangeTable.text.write(to: Self.path, atomically: true, encoding: .utf8)
  }
}

/// Random events of clients, servers, queues and time-outs in virtual time, by seed.
@Suite struct ExchangeSimulationTests {
  @Test func `every request gets one response and one log line, and is repeated only if that is allowed`() {
    for seed in 0..<UInt64(Scale.count(2_000)) {
      var generator = SeededGenerator(seed: seed)
      let choices = (0..<300).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      #expect(throws: Never.self, "seed \(seed)") { try ExchangeProperties.check(choices) }
    }
  }
}
