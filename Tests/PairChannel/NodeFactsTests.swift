import Domain
import Testing
import Wire

@testable import Pair

@Suite struct `Facts and vitals of a node` {
  private static let start = Instant(nanoseconds: Interval.hours(1).nanoseconds)

  private static let facts: NodeFacts = {
    var facts = NodeFacts(release: "1.4.0", since: WallTime(seconds: 1))
    facts.sections = [.init(name: "vrrp", digest: 77)]
    facts.certificates = certificate(1)
    facts.servers = [.init(name: "view01", state: .up), .init(name: "view02", state: nil)]
    facts.findings = [
      .init("configuration", isFault: false, "line 3: warning"), .init("interface", "router-51", isFault: true, "down"),
    ]
    return facts
  }()

  private static let vitals: NodeVitals = {
    var vitals = NodeVitals(wall: WallTime(seconds: 9))
    (vitals.sessions, vitals.connections) = (3, 7)
    vitals.routers = [
      .init(
        name: "router-51", role: .backup, priority: 100, identifier: 51, source: IPAddress(v4: 0xc000_020b),
        isSettled: true),
      .init(name: "view-v6", role: .fault, priority: 100, identifier: 51, source: nil),
    ]
    vitals.services = [.init(name: "view", healthy: 1, servers: 2)]
    return vitals
  }()

  private static func certificate(_ byte: UInt8) -> [NodeCertificate] {
    guard let fingerprint = Fingerprint(bytes: Array(repeating: byte, count: 32)) else { return [] }
    return [.init(service: "view", fingerprint: fingerprint, notAfter: WallTime(seconds: 1_800_000_000))]
  }

  private static func peers() -> PeerNodes { PeerNodes(["lb2", "lb3"], at: start, WallTime(seconds: 5)) }

  @Test func `both are decoded as they were encoded, and fields of later releases are ignored`() throws {
    let bytes = Self.facts.encoded()
    #expect(try NodeFacts(decoding: bytes) == Self.facts)
    #expect(try NodeFacts(decoding: bytes + [1, 2, 3]) == Self.facts)
    // An earlier release says nothing of findings.
    var earlier = Self.facts
    earlier.findings = []
    let end = earlier.encoded().count - 2
    #expect(try NodeFacts(decoding: Array(bytes.prefix(end))) == earlier)
    for count in 0..<bytes.count where count != end {
      #expect(throws: PairError.truncated) { try NodeFacts(decoding: Array(bytes.prefix(count))) }
    }
    let state = Self.vitals.encoded()
    #expect(try NodeVitals(decoding: state) == Self.vitals)
    #expect(try NodeVitals(decoding: state + [1, 2, 3]) == Self.vitals)
    for count in 0..<state.count {
      #expect(throws: PairError.truncated) { try NodeVitals(decoding: Array(state.prefix(count))) }
    }
  }

  @Test func `states and roles of later releases are decoded as unknown`() throws {
    var facts = Self.facts
    facts.findings = []
    var bytes = facts.encoded()
    let place = try #require(bytes.lastIndex(of: ServerState.up.rawValue))
    bytes[place] = 200
    #expect(try NodeFacts(decoding: bytes).servers == [.init(name: "view01", state: nil), Self.facts.servers[1]])
    let text = String(decoding: Self.vitals.encoded(), as: UTF8.self).replacing("backup", with: "borrow")
    let vitals = try NodeVitals(decoding: Array(text.utf8))
    #expect(vitals.routers.map(\.name) == ["view-v6"] && vitals.services == Self.vitals.services)
  }

  @Test func `the largest facts and vitals fit into their limits`() throws {
    func name(_ number: Int, _ length: Int = 64) -> String {
      String(number) + String(repeating: "x", count: length - String(number).count)
    }
    var facts = Self.facts
    facts.sections = (0..<1024).map { .init(name: name($0, 150), digest: 1) }
    facts.certificates = (0..<1024).flatMap { _ in Self.certificate(1) }
    facts.servers = (0..<1024).map { .init(name: name($0) + "/" + name($0), state: .up) }
    facts.findings = (0..<64).map { .init(name($0, 255), name($0, 255), isFault: true, name($0, 255)) }
    #expect(try NodeFacts(decoding: facts.encoded()) == facts)
    var vitals = Self.vitals
    vitals.routers = (0..<64).map { .init(name: name($0), role: .initialize, priority: 1, identifier: 51, source: nil) }
    vitals.services = (0..<64).map { .init(name: name($0), healthy: 1, servers: 2) }
    #expect(try NodeVitals(decoding: vitals.encoded()) == vitals)
    vitals.services.append(.init(name: "one more", healthy: 1, servers: 1))
    #expect(try NodeVitals(decoding: vitals.encoded()).services.count == 64)
  }

  @Test func `the vitals of a node are valid for three seconds`() throws {
    var peers = Self.peers()
    #expect(peers.vitals(of: "lb2", at: Self.start) == nil)
    #expect(peers.nodes[0].heardTime == WallTime(seconds: 5) && peers.nodes[0].clockDifference == nil)
    let heard = Self.start + .seconds(10)
    try peers.take(vitals: Self.vitals.encoded(), of: "lb2", at: heard, WallTime(seconds: 12))
    try peers.take(vitals: Self.vitals.encoded(), of: "lb9", at: heard, WallTime(seconds: 12))
    #expect(peers.vitals(of: "lb2", at: heard + .milliseconds(2999)) == Self.vitals)
    #expect(peers.vitals(of: "lb3", at: heard) == nil && peers.vitals(of: "lb9", at: heard) == nil)
    #expect(peers.vitals(of: "lb2", at: heard + .seconds(3)) == nil)
    // The last vitals are kept for display.
    #expect(peers.nodes[0].vitals == Self.vitals && peers.nodes[0].heard == heard)
    #expect(peers.nodes[0].clockDifference == .seconds(3))
    #expect(throws: PairError.truncated) {
      try peers.take(vitals: [1, 2], of: "lb2", at: heard + .seconds(4), WallTime(seconds: 16))
    }
    #expect(peers.nodes[0].heard == heard)
  }

  @Test func `facts are assembled from their pieces, and invalid bytes are reported once and ignored`() throws {
    var peers = Self.peers()
    var facts = Self.facts
    facts.servers = (0..<1000).map { .init(name: "view\($0)", state: .up) }
    let pieces = BytePiece.pieces(of: facts.encoded())
    #expect(pieces.count > 1)
    for piece in pieces {
      #expect(peers.nodes[1].facts == nil)
      try peers.take(facts: piece, of: "lb3")
      try peers.take(facts: piece, of: "lb9")
    }
    #expect(peers.nodes[1].facts == facts && peers.nodes[0].facts == nil)
    let invalid = BytePiece(isFirst: true, isLast: true, bytes: [9, 2])
    #expect(throws: PairError.truncated) { try peers.take(facts: invalid, of: "lb3") }
    try peers.take(facts: invalid, of: "lb3")
    try peers.take(facts: invalid, of: "lb9")
    #expect(throws: PairError.truncated) { try peers.take(facts: invalid, of: "lb2") }
    try peers.take(facts: BytePiece(isFirst: false, isLast: true, bytes: [1, 2]), of: "lb3")
    #expect(peers.nodes[1].facts == facts)
  }

  @Test func `changes of role, priority and healthy servers are urgent, changes of load are not`() {
    var later = Self.vitals
    later.wall = WallTime(seconds: 10)
    later.sessions = 9
    #expect(!later.isNews(after: Self.vitals))
    later.routers[0].priority = 99
    #expect(later.isNews(after: Self.vitals))
    later = Self.vitals
    later.services[0].healthy = 2
    #expect(later.isNews(after: Self.vitals))
  }

  @Test func `differences are described, and equal nodes have none`() {
    var other = Self.facts
    var vitals = Self.vitals
    func texts(clock: Interval = .zero) -> [String] {
      NodeDifference.between((Self.facts, Self.vitals), (other, vitals), clock: clock).map { $0.text(from: "lb2") }
    }
    #expect(texts(clock: .seconds(2)).isEmpty)
    other.release = "1.3.0"
    other.sections = [.init(name: "vrrp", digest: 78), .init(name: "log", digest: 1)]
    other.certificates = Self.certificate(2)
    other.servers = [
      .init(name: "view01", state: .down), .init(name: "view02", state: .up), .init(name: "view03", state: .up),
    ]
    vitals.routers[0].role = .active
    #expect(
      texts(clock: .seconds(12)) == [
        "release: 1.4.0 here, 1.3.0 on lb2", "clock: 12 s apart from lb2", "configuration: vrrp differs from lb2's",
        "configuration: log differs from lb2's",
        "certificates of view: 0101010101010101 until 2027-01-15 here, 0202020202020202 until 2027-01-15 on lb2",
        "view01: up here, down on lb2", "view03: not configured here, up on lb2",
      ])
    let active = NodeDifference.between((Self.facts, vitals), (Self.facts, vitals), clock: .zero)
    #expect(active.map { $0.text(from: "lb2") } == ["router-51: active here and on lb2"])
    other.sections = (0..<1000).map { .init(name: "\($0)", digest: 1) }
    #expect(texts().count == NodeDifference.limit)
  }
}

@Suite struct `Differences in the log` {
  private static let start = Instant(nanoseconds: Interval.hours(1).nanoseconds)
  private let down = NodeDifference.server("view01", here: .up, there: .down)

  private func at(_ seconds: UInt64) -> Instant { Self.start + .seconds(seconds) }

  @Test func `are logged once when they have lasted, and once when they have been gone as long`() {
    var watch = DifferenceWatch()
    #expect(watch.observe([down], at: at(0)) == [])
    #expect(watch.observe([down], at: at(9)) == [])
    #expect(watch.observe([down], at: at(10)) == [.began(down)])
    #expect(watch.observe([down], at: at(100)) == [])
    #expect(watch.observe([], at: at(101)) == [])
    #expect(watch.observe([], at: at(110)) == [])
    #expect(watch.observe([], at: at(111)) == [.ended(down)])
    #expect(watch.observe([], at: at(200)) == [])
  }

  @Test func `are not logged when they come and go`() {
    var watch = DifferenceWatch()
    for second in 0..<60 as Range<UInt64> {
      #expect(watch.observe(second.isMultiple(of: 10) ? [] : [down], at: at(second)) == [])
    }
    #expect(watch.observe([down], at: at(80)) == [.began(down)])
    for second in 81..<140 as Range<UInt64> {
      #expect(watch.observe(second.isMultiple(of: 10) ? [down] : [], at: at(second)) == [])
    }
  }

  @Test func `a clock that drifts differs once`() {
    var watch = DifferenceWatch()
    var notes: [DifferenceWatch.Note] = []
    for second in 0..<60 as Range<UInt64> {
      notes += watch.observe([.clock(.seconds(3 + second))], at: at(second))
    }
    #expect(notes == [.began(.clock(.seconds(13)))])
  }
}
