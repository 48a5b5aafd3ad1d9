import Domain
import Testing

@testable import Pair

@Suite struct `A node reaches fewer servers than another one` {
  /// `view 2/3`: two of three servers of this service.
  private static func services(_ texts: [String]) -> [NodeService] {
    texts.compactMap { text in
      let parts = text.split { " /".contains($0) }
      guard parts.count == 3, let healthy = UInt16(parts[1]), let servers = UInt16(parts[2]) else { return nil }
      return .init(name: String(parts[0]), healthy: healthy, servers: servers)
    }
  }

  @Test(
    arguments: [
      (["view 2/3"], ["view 3/3"], 1, true), (["view 2/3"], ["view 3/3"], 2, false),
      (["view 1/3"], ["view 3/3"], 2, true), (["view 3/3"], ["view 3/3"], 1, false),
      (["view 0/3"], ["view 3/3"], 1, true), (["view 0/3"], ["view 0/3"], 1, false),
      // Of several services.
      (["view 2/3", "cards 2/2"], ["view 3/3", "cards 2/2"], 1, true),
      (["view 2/3", "cards 2/2"], ["view 3/3", "cards 1/2"], 1, false),
      (["view 1/3", "cards 2/2"], ["view 3/3", "cards 1/2"], 2, false),
      (["view 1/3", "cards 1/2"], ["view 3/3", "cards 2/2"], 2, true),
      // Not known, of one or all.
      ([], ["view 3/3"], 1, false), (["view 2/3"], [], 1, false),
      (["view 2/3"], ["view 3/3", "cards 2/2"], 1, true), (["view 2/3", "cards 2/2"], ["view 3/3"], 1, true),
      // The configuration is being changed.
      (["view 3/3"], ["view 4/4"], 1, false), (["view 2/3"], ["view 4/4"], 1, false),
      (["view 0/65535"], ["view 65535/65535"], 1024, true),
    ] as [([String], [String], Int, Bool)])
  func `by a margin in one service, and more in none`(own: [String], other: [String], margin: Int, expected: Bool) {
    let (own, other) = (Self.services(own), Self.services(other))
    #expect(own.reachesFewer(than: other, by: margin) == expected)
    #expect(!expected || !other.reachesFewer(than: own, by: 1))
  }
}
