import Configuration
import Simulation
import Testing
import Wire

@testable import Worker

/// The smallest and the largest values that `check` accepts, in a running loop and through reloads between them.
struct AcceptedConfigurationTests {
  /// A key of the schema with the ends of its range, in the schema's notation: `number, 1 to 256`.
  struct Range {
    let key: String
    let ends: [String]
  }

  /// The ranges of a section. Tables of ten million clients are for machines that have the memory.
  static func ranges(of section: String) -> [Range] {
    Schema.sections.first { $0.name == section }?.keys.compactMap { key in
      guard let bounds = key.kind.split(separator: ", ").last else { return nil }
      let ends = bounds.split(separator: " to ").map(String.init)
      guard ends.count == 2 else { return nil }
      return Range(key: key.name, ends: key.name == "entries" ? [ends[0], "100000"] : ends)
    } ?? []
  }

  private static func mapping(_ section: String, _ generator: inout SeededGenerator) -> String {
    ranges(of: section).compactMap { range in
      // One in four keeps its default.
      Int.random(in: 0..<4, using: &generator) == 0
        ? nil : "\(range.key): \(range.ends.randomElement(using: &generator) ?? "")"
    }.joined(separator: ", ")
  }

  /// Settings for `TestLoop`.
  private static func settings(
    _ generator: inout SeededGenerator, isPassthrough: Bool
  ) -> (all: String, server: String) {
    var all = ["timeouts", "limits", "health", "affinity", "pool"]
      .map { "\($0): { \(mapping($0, &generator)) }\n" }.joined()
    all += "retries: \([0, 10].randomElement(using: &generator) ?? 0)\n"
    // Otherwise Belvedere's own addresses would be those of the servers.
    all += "listen: 127.0.0.2\n"
    all += ["", "relay: { tcp: [1, 65535], udp: [1, 65535] }\n"].randomElement(using: &generator) ?? ""
    let ends = ranges(of: "servers.NAME").filter { $0.key != "port" }
    var server = ends.map { ", \($0.key): \($0.ends.randomElement(using: &generator) ?? "")" }.joined()
    server += ["", ", send-proxy-v2: on"].randomElement(using: &generator) ?? ""
    if !isPassthrough { server += ["", ", names: view#.test"].randomElement(using: &generator) ?? "" }
    server += ["", ", ports: [500#, 600#]"].randomElement(using: &generator) ?? ""
    return (all, server)
  }

  /// Accepted settings: some ends exclude each other, such as a jitter longer than the interval.
  private static func accepted(
    _ generator: inout SeededGenerator, isPassthrough: Bool
  ) -> (all: String, server: String) {
    let mode = isPassthrough ? "mode: passthrough" : "tls: { certificate: a.pem }"
    while true {
      let settings = settings(&generator, isPassthrough: isPassthrough)
      let server = settings.server.replacing("#", with: "1")
      let text = "service: a.test\n\(mode)\nservers: { a: { address: 10.0.0.1\(server) } }\n"
      if Configuration.load(text: text + settings.all, fileName: "a.yaml", hostName: "a").configuration != nil {
        return settings
      }
    }
  }

  @Test func `the schema has ranges to test`() {
    #expect(Self.ranges(of: "timeouts").count >= 9 && Self.ranges(of: "limits").count >= 6)
    #expect(Self.ranges(of: "health").count >= 5 && Self.ranges(of: "affinity").count >= 4)
    #expect(Self.ranges(of: "servers.NAME").contains { $0.key == "weight" && $0.ends == ["0", "256"] })
  }

  @Test(arguments: 0..<16 as Swift.Range<UInt64>)
  func `every accepted configuration serves, over any time and through a reload to any other`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let isPassthrough = seed % 4 == 3
    let first = Self.accepted(&generator, isPassthrough: isPassthrough)
    var testLoop = try TestLoop.make(
      servers: 2, settings: first.all, serverSettings: first.server, isPassthrough: isPassthrough)
    for servers in [[0, 1], [1], [1, 0], [0]] {
      for span in [Interval.zero, .milliseconds(1), .hours(1), .hours(7 * 24 + 1)] {
        var client = try testLoop.makeClient()
        for _ in 0..<20 {
          testLoop.turn()
          client.pump()
        }
        client.send("GET / HTTP/1.1\r\nHost: view.test\r\n\r\n")
        for _ in 0..<20 {
          testLoop.turn()
          client.pump()
        }
        testLoop.pass(span)
      }
      let next = Self.accepted(&generator, isPassthrough: isPassthrough)
      try testLoop.reload(servers: servers, settings: next.all, serverSettings: next.server)
    }
    #expect(testLoop.sharedState.snapshotCount >= 1)
  }
}
