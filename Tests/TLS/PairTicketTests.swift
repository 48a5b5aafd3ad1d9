import Domain
import Testing
import Wire

@testable import TLS

/// Tickets of nodes that share a secret and exchange nothing else.
struct PairTicketTests {
  private let pair: CertificatePair
  private let name: ReferenceIdentity

  init() throws {
    pair = try SelfSigned.make(for: ["view.domain.local"])
    name = try ReferenceIdentity("view.domain.local")
  }

  @Test(arguments: [
    (0, 1, [0, UInt64.max, 1]), (599, 10, [0, .max, 1]), (600, 10, [1, 0, 2]), (1_199, 10, [1, 0, 2]),
    (1_200, 10, [2, 1, 3]), (1_000_000, 720, [23, 22, 24]),
  ])
  func `an epoch is counted from 1970, and tickets of the adjacent epochs are accepted`(
    seconds: Int64, minutes: UInt64, numbers: [UInt64]
  ) {
    #expect(TicketEpoch(at: WallTime(seconds: seconds), interval: .minutes(minutes)).opening == numbers)
  }

  private static func secrets(_ bytes: [UInt8]) throws -> PairSecrets {
    let text = bytes.map { Hexadecimal.text([UInt8](repeating: $0, count: PairSecrets.size)) + "\n" }.joined()
    return try PairSecrets(parsing: Array(text.utf8).span)
  }

  /// A node at a time in minutes, with ten minutes an epoch and secrets of one byte each.
  private func node(_ secrets: UInt8..., minute: Int64 = 5) throws -> (keys: TicketKeys, front: ServerContext) {
    let time = WallTime(seconds: 60 * minute)
    let keys = try TicketKeys(at: time, interval: .minutes(10))
    keys.adopt(try Self.secrets(secrets), every: .minutes(10), at: time)
    return (keys, try Contexts.server(pair, tickets: keys))
  }

  private func resumes(from first: ServerContext, at second: ServerContext, _ version: TLSVersion) throws -> Bool {
    let client = try Contexts.trusting(limitedTo: version)
    var beginning = try TLSPair(first, client, name: name)
    beginning.establish()
    let session = beginning.client.takeSession()
    var resumption = try TLSPair(second, client, name: name, session: session)
    resumption.establish()
    #expect(resumption.client.resumed == resumption.server.resumed)
    return resumption.client.resumed
  }

  @Test(arguments: [TLSVersion.tls12, .tls13], [(0, true), (1, true), (2, false), (30, false)])
  func `a ticket is accepted by another node in the same epoch and an adjacent one`(
    version: TLSVersion, next: (epochs: Int64, isGood: Bool)
  ) throws {
    let (first, second) = (try node(7), try node(7, minute: 5 + 10 * next.epochs))
    #expect(try resumes(from: first.front, at: second.front, version) == next.isGood)
    // The clock of the node that issued the ticket may be ahead as well.
    #expect(try resumes(from: second.front, at: first.front, version) == next.isGood)
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a ticket is accepted for its whole lifetime across epochs`(version: TLSVersion) throws {
    let (first, second) = (try node(7, minute: 9), try node(7, minute: 9))
    #expect(first.keys.ticketLifetime == .minutes(10))
    for (minute, isGood) in [(10, true), (19, true), (20, false)] {
      try second.keys.rotate(at: WallTime(seconds: 60 * Int64(minute)))
      #expect(try resumes(from: first.front, at: second.front, version) == isGood)
    }
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `a ticket of another secret is refused unless both secrets are configured`(version: TLSVersion) throws {
    let (before, during, after) = (try node(7), try node(8, 7), try node(8))
    #expect(try !resumes(from: before.front, at: after.front, version))
    #expect(try resumes(from: before.front, at: during.front, version))
    #expect(try resumes(from: during.front, at: after.front, version))
    #expect(try !resumes(from: during.front, at: before.front, version))
    // The other node changes its secret too.
    before.keys.adopt(try Self.secrets([8, 7]), every: .minutes(10), at: WallTime(seconds: 300))
    #expect(try resumes(from: during.front, at: before.front, version))
  }

  @Test func `keys for different secrets and purposes differ`() throws {
    let secrets = try Self.secrets([8, 7])
    var seen: Set<[UInt8]> = []
    for index in 0..<2 {
      for label in ["belvedere tickets", "belvedere tokens", "belvedere channel"] {
        let key = secrets.key(Array(label.utf8), of: index)
        seen.insert(unsafe key.withBytes { unsafe Array($0) })
      }
    }
    #expect(seen.count == 6)
    #expect(secrets.tokenSeed.0 != secrets.tokenSeed.1)
  }
}
