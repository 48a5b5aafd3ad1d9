import Domain
import Simulation
import Testing

@testable import Control

private let snapshot = AdminStateSnapshot([
  "view02": .init(mode: nil, weight: 5, since: sampleTime),
  "view01": .init(mode: .drain, weight: nil, since: sampleTime),
])

private let text =
  #"{"servers":["#
  + #"{"admin_state":{"mode":"drain","since":"2026-11-22T11:32:01.123Z","weight":null},"name":"view01"},"#
  + #"{"admin_state":{"mode":null,"since":"2026-11-22T11:32:01.123Z","weight":5},"name":"view02"}],"version":1}"# + "\n"

private func read(_ text: String) throws(AdminStateSnapshotError) -> AdminStateSnapshot {
  try AdminStateSnapshot(parsing: Array(text.utf8))
}

@Suite struct `The file of administrative states` {
  @Test func `the file is decoded as it was encoded`() throws {
    #expect(snapshot.text == text)
    #expect(try read(text) == snapshot)
    #expect(try read(AdminStateSnapshot([:]).text) == AdminStateSnapshot([:]))
  }

  @Test func `in a pair the file has the node of each command, and the servers that are ready again`() throws {
    let pair = AdminStateSnapshot([
      "view01": .init(mode: .drain, since: sampleTime, node: "lb2"), "view02": .init(since: sampleTime, node: "lb1"),
    ])
    #expect(
      pair.text == #"{"servers":["#
        + #"{"admin_state":{"mode":"drain","node":"lb2","since":"2026-11-22T11:32:01.123Z","weight":null},"name":"view01"},"#
        + #"{"admin_state":{"mode":null,"node":"lb1","since":"2026-11-22T11:32:01.123Z","weight":null},"name":"view02"}],"#
        + #""version":2}"# + "\n")
    #expect(try read(pair.text) == pair)
  }

  @Test func `the version of a later release is distinguished from damage`() {
    #expect(throws: AdminStateSnapshotError.tooNew(version: 3)) { try read(#"{"version":3,"servers":{}}"#) }
  }

  @Test(
    arguments: [
      "", "{}", "null", "service: view.test", String(text.dropLast(3)), text.replacing("drain", with: "drown"),
      text.replacing("view02", with: "view01"), text.replacing(#""version":1"#, with: #""version":0"#),
      text.replacing("5", with: "257"), text.replacing("5", with: "-1"),
      text.replacing(#""weight":5"#, with: #""weight":null"#),
      text.replacing("2026", with: "26"),
    ])
  func `a damaged file is refused as a whole`(text: String) {
    #expect(throws: AdminStateSnapshotError.damaged) { try read(text) }
  }

  @Test func `a file decoded from arbitrary bytes is decoded again from its encoding`() {
    let seed: UInt64 = 20_261_128
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      var bytes = Array(text.utf8)
      for _ in 0..<random.next() % 4 { mutate(&bytes, &random) }
      guard let value = try? AdminStateSnapshot(parsing: bytes) else { continue }
      #expect((try? read(value.text)) == value, "seed \(seed): \(bytes)")
    }
  }
}
