import Balancing
import Domain
import Testing
import Wire

@testable import Pair

@Suite struct `Messages between nodes` {
  private static let drain = AdminState(mode: .drain, weight: 5, since: WallTime(milliseconds: 0x1234), node: "lb1")

  @Test func `the encoding of a hello is the same in every release`() throws {
    var hello = PairHello(name: "lb1", release: "1.4.0", incarnation: 0x0102_0304_0506_0708)
    hello.clock = AssignmentTime(nanoseconds: 0x1122)
    let bytes = PairMessage.hello(hello).encoded()
    let digits =
      "0000002601" + "42454c5650414952" + "00010001" + "0000000000001122" + "0102030405060708" + "036c6231"
      + "05312e342e30"
    #expect(Hexadecimal.text(bytes) == digits)
    #expect(try PairMessage(kind: bytes[4], payload: Array(bytes[5...])) == .hello(hello))
  }

  @Test(arguments: [
    PairMessage.keepalive(clock: AssignmentTime(nanoseconds: .max)), .leave(reason: "it stops"), .snapshotEnd,
    .assignments(
      AssignmentBatch(
        service: .max, table: .tunnels,
        records: [
          AffinityRecord(
            client: ClientKey(high: 1, low: 2), server: ServerID(rawValue: 3),
            assigned: AssignmentTime(nanoseconds: .max), silence: .milliseconds(1 << 31 - 1)),
          AffinityRecord(
            client: ClientKey(high: 1, low: 2), server: ServerID(rawValue: 3),
            assigned: AssignmentTime(nanoseconds: 0), silence: .zero, isOpen: true),
        ]), clock: AssignmentTime(nanoseconds: 1)),
    .adminStates(["view/view01": drain, "x": AdminState(since: WallTime(seconds: 0))]),
    .facts(BytePiece(isFirst: true, isLast: false, bytes: [1, 2, 3])), .vitals([1, 2, 3]),
    .stream(StreamMessage(.open, from: .opener, of: .max)),
    .stream(StreamMessage(.data([1, 2, 3]), from: .acceptor, of: 1)),
    .stream(StreamMessage(.credit(StreamWindow.size), from: .acceptor, of: 1)),
    .stream(StreamMessage(.close(reason: "lb2 has left"), from: .opener, of: 1)),
  ])
  func `a message is decoded as it was encoded, and not if truncated or extended`(message: PairMessage) throws {
    let bytes = message.encoded()
    let (kind, payload) = (bytes[4], Array(bytes[5...]))
    #expect(try PairMessage(kind: kind, payload: payload) == message)
    // The rest of these is read where it is used.
    switch message {
    case .facts, .vitals: return
    default: break
    }
    #expect(throws: PairError.trailingBytes) { try PairMessage(kind: kind, payload: payload + [0]) }
    for count in 0..<payload.count {
      #expect(throws: PairError.truncated) { try PairMessage(kind: kind, payload: Array(payload.prefix(count))) }
    }
  }

  @Test(arguments: [
    ("01", "42454c56504149520002000100000000000000000000000000000000036c623200", "versions"),
    ("01", "42454c5650414953", "protocol"),
    ("03", "020a41", "reason"), ("03", "01ff", "reason"),
    ("04", "0000000000000000" + "0000000000000000" + "01" + "03e9", "number of clients"),
    ("06", "0041", "number of states"),
    ("06", "0001" + "0178" + "010101000000000000000000", "weight"),
    ("06", "0001" + "0178" + "010001ffffffffffffffff00", "time"),
    ("06", "0001" + "0178" + "01000100000000000000000120", "node"),
    ("06", "0002" + "0178" + "010001000000000000000000" + "0178" + "010001000000000000000000", "order of states"),
    ("07", "04", "facts"), ("07", "00" + String(repeating: "00", count: 8193), "facts"),
    ("08", String(repeating: "00", count: 12_289), "vitals"),
  ])
  func `a field out of range is named in the error`(kind: String, payload: String, field: String) throws {
    let number = try #require(Hexadecimal.bytes(Array(kind.utf8))?.first)
    let bytes = try #require(Hexadecimal.bytes(Array(payload.utf8)))
    #expect(throws: PairError.invalidField(field)) { try PairMessage(kind: number, payload: bytes) }
  }

  @Test func `kinds and tables of a later release are skipped`() throws {
    #expect(try PairMessage(kind: 99, payload: [1]) == nil)
    let table: [UInt8] = [UInt8](repeating: 0, count: 16) + [4, 0, 1, 2, 3]
    #expect(try PairMessage(kind: 4, payload: table) == nil)
  }

  @Test func `an administrative state with a mode of a later release is skipped, and the others are not`() throws {
    let states = ["0161" + "03ffff000000000000000000", "0162" + "01ffff000000000000000100"]
    let payload = try #require(Hexadecimal.bytes(Array(("0002" + states.joined()).utf8)))
    let known = AdminState(mode: .drain, since: WallTime(milliseconds: 1))
    #expect(try PairMessage(kind: 6, payload: payload) == .adminStates(["b": known]))
  }

  @Test func `texts are truncated and their control characters escaped`() throws {
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
    let record = AffinityRecord(
      client: ClientKey(high: 1, low: 2), server: ServerID(rawValue: 3), assigned: AssignmentTime(nanoseconds: 9),
      silence: .zero)
    let batch = AssignmentBatch(
      service: 1, table: .addresses, records: Array(repeating: record, count: AssignmentBatch.recordLimit))
    for message in [PairMessage.adminStates(states), .assignments(batch, clock: AssignmentTime(nanoseconds: 1))] {
      #expect(message.encoded().count < PairFrame.payloadLimit)
    }
  }
}
