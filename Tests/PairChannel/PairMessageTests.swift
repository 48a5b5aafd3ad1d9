import Balancing
import Domain
import Testing
import Wire

@testable import Pair

@Suite struct `Messages between nodes` {
  private static let drain = AdminState(mode: .drain, weight: 5, since: WallTime(milliseconds: 0x1234), node: "lb1")

  static let facts: NodeFacts = {
    var facts = NodeFacts(release: "1.4.0", wall: WallTime(seconds: 9), since: WallTime(seconds: 1))
    (facts.sessions, facts.connections) = (3, 7)
    facts.sections = [.init(name: "vrrp", digest: 77)]
    facts.certificates = certificate(1)
    facts.servers = [
      .init(name: "view01", state: .up, adminState: nil), .init(name: "view02", state: nil, adminState: drain),
    ]
    facts.routers = [.init(name: "router-51", role: .backup)]
    return facts
  }()

  private static func certificate(_ byte: UInt8) -> [NodeFacts.Certificate] {
    guard let fingerprint = Fingerprint(bytes: Array(repeating: byte, count: 32)) else { return [] }
    return [.init(service: "view", fingerprint: fingerprint, notAfter: WallTime(seconds: 1_800_000_000))]
  }

  @Test func `a hello is what every release reads`() throws {
    var hello = PairHello(name: "lb1", release: "1.4.0", incarnation: 0x0102_0304_0506_0708)
    hello.clock = Instant(nanoseconds: 0x1122)
    let bytes = PairMessage.hello(hello).encoded()
    let digits =
      "0000002601" + "42454c5650414952" + "00010001" + "0000000000001122" + "0102030405060708" + "036c6231"
      + "05312e342e30"
    #expect(Hexadecimal.text(bytes) == digits)
    #expect(try PairMessage(kind: bytes[4], payload: Array(bytes[5...])) == .hello(hello))
  }

  @Test(arguments: [
    PairMessage.keepalive(clock: Instant(nanoseconds: .max)), .leave(reason: "it stops"), .snapshotEnd,
    .assignments(
      AssignmentBatch(
        service: .max, table: .tunnels,
        records: [
          AffinityRecord(
            client: ClientKey(high: 1, low: 2), server: ServerID(rawValue: 3), silence: .milliseconds(1 << 32 - 1))
        ]), clock: Instant(nanoseconds: 1)),
    .adminStates(["view/view01": drain, "x": AdminState(since: WallTime(seconds: 0))]),
    .facts(FactsPiece(isFirst: true, isLast: false, bytes: [1, 2, 3])),
  ])
  func `a message reads as it was written, and neither shorter nor longer`(message: PairMessage) throws {
    let bytes = message.encoded()
    let (kind, payload) = (bytes[4], Array(bytes[5...]))
    #expect(try PairMessage(kind: kind, payload: payload) == message)
    if case .facts = message { return }
    #expect(throws: PairError.trailingBytes) { try PairMessage(kind: kind, payload: payload + [0]) }
    for count in 0..<payload.count {
      #expect(throws: PairError.truncated) { try PairMessage(kind: kind, payload: Array(payload.prefix(count))) }
    }
  }

  @Test(arguments: [
    ("01", "42454c56504149520002000100000000000000000000000000000000036c623200", "versions"),
    ("01", "42454c5650414953", "protocol"),
    ("03", "020a41", "reason"), ("03", "01ff", "reason"),
    ("04", "0000000000000000" + "0000000000000000" + "04" + "0000", "table"),
    ("04", "0000000000000000" + "0000000000000000" + "01" + "03e9", "number of clients"),
    ("06", "0041", "number of states"),
    ("06", "0001" + "0178" + "03ffff000000000000000000", "mode"),
    ("06", "0001" + "0178" + "010101000000000000000000", "weight"),
    ("06", "0001" + "0178" + "010001ffffffffffffffff00", "time"),
    ("06", "0001" + "0178" + "01000100000000000000000120", "node"),
    ("06", "0002" + "0178" + "010001000000000000000000" + "0178" + "010001000000000000000000", "order of states"),
    ("07", "04", "facts"),
  ])
  func `a field out of range is named`(kind: String, payload: String, field: String) throws {
    let number = try #require(Hexadecimal.bytes(Array(kind.utf8))?.first)
    let bytes = try #require(Hexadecimal.bytes(Array(payload.utf8)))
    #expect(throws: PairError.invalidField(field)) { try PairMessage(kind: number, payload: bytes) }
  }

  @Test func `texts are cut and their control characters written out`() throws {
    let bytes = PairMessage.leave(reason: "a\n" + String(repeating: "é", count: 200)).encoded()
    guard case .leave(let reason)? = try PairMessage(kind: bytes[4], payload: Array(bytes[5...])) else {
      return #expect(Bool(false))
    }
    #expect(reason == "a\\n" + String(repeating: "é", count: 126))
  }

  @Test func `the largest messages fit into a frame`() {
    let long = String(repeating: "x", count: 300)
    let state = AdminState(
      mode: .drain, weight: 5, since: WallTime(seconds: 1), node: String(repeating: "n", count: 64))
    let states = Dictionary(uniqueKeysWithValues: (0..<PairMessage.adminStateLimit).map { ("\($0)" + long, state) })
    let record = AffinityRecord(client: ClientKey(high: 1, low: 2), server: ServerID(rawValue: 3), silence: .zero)
    let batch = AssignmentBatch(
      service: 1, table: .addresses, records: Array(repeating: record, count: AssignmentBatch.recordLimit))
    for message in [PairMessage.adminStates(states), .assignments(batch, clock: Instant(nanoseconds: 1))] {
      #expect(message.encoded().count < PairFrame.payloadLimit)
    }
  }

  @Test func `facts read as they were written, and what a later release adds is skipped`() throws {
    let bytes = Self.facts.encoded()
    #expect(try NodeFacts(decoding: bytes) == Self.facts)
    #expect(try NodeFacts(decoding: bytes + [1, 2, 3]) == Self.facts)
    for count in 0..<bytes.count {
      #expect(throws: PairError.truncated) { try NodeFacts(decoding: Array(bytes.prefix(count))) }
    }
  }

  @Test func `differences are said in words, and equal nodes have none`() {
    var other = Self.facts
    #expect(Self.facts.differences(from: other, on: "lb2").isEmpty)
    other.release = "1.3.0"
    other.wall = WallTime(seconds: 21)
    other.sections = [.init(name: "vrrp", digest: 78), .init(name: "log", digest: 1)]
    other.certificates = Self.certificate(2)
    other.servers = [
      .init(name: "view01", state: .down, adminState: nil), .init(name: "view03", state: .up, adminState: nil),
    ]
    #expect(
      Self.facts.differences(from: other, on: "lb2") == [
        "release: 1.4.0 here, 1.3.0 on lb2", "clock: 12 s apart from lb2", "configuration: vrrp differs from lb2's",
        "configuration: log differs from lb2's",
        "certificates of view: 0101010101010101 until 2027-01-15 here, 0202020202020202 until 2027-01-15 on lb2",
        "view01: up here, down on lb2", "view02: unknown, drain, weight 5 here, not configured on lb2",
        "view03: not configured here, up on lb2",
      ])
    (other, other.routers) = (Self.facts, [.init(name: "router-51", role: .active)])
    var here = Self.facts
    #expect(here.differences(from: other, on: "lb2").isEmpty)
    here.routers = other.routers
    #expect(here.differences(from: other, on: "lb2") == ["router-51: active here and on lb2"])
  }
}
