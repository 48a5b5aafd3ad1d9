import Simulation
import Testing
import Wire

@testable import Balancing

@Suite struct AffinitySnapshotTests {
  static let taken = WallTime(nanoseconds: 1_790_000_000_123_456_789)

  static func records(_ count: Int, seed: UInt64) -> [AffinityRecord] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      AffinityRecord(
        client: ClientKey(high: random.next(), low: random.next()), server: ServerID(rawValue: random.next()),
        assigned: AssignmentTime(nanoseconds: random.next()), silence: .milliseconds(random.next() % 5_400_000),
        isOpen: Bool.random(using: &random))
    }
  }

  static let sample = AffinitySnapshot(
    tokenHash: SecretHash(seed: 1, 2), taken: taken, addresses: records(3, seed: 1), cookies: records(2, seed: 2),
    tunnels: [])

  static func decode(_ bytes: [UInt8]) -> Result<AffinitySnapshot, AffinitySnapshotError> {
    do throws(AffinitySnapshotError) { return .success(try AffinitySnapshot(decoding: bytes.span)) } catch {
      return .failure(error)
    }
  }

  /// Appends the checksum of the bytes before it.
  static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    let body = bytes.dropLast(16)
    let sum = SecretHash(seed: 0, 0)(Array(body).span)
    return body
      + [sum.first, sum.last].flatMap { word in
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
      }
  }

  static let withTunnels = AffinitySnapshot(
    tokenHash: SecretHash(seed: 1, 2), taken: taken, addresses: records(3, seed: 1), cookies: records(2, seed: 2),
    tunnels: records(1, seed: 3))

  @Test(arguments: [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1_000, 300, 20)])
  func `a snapshot is decoded as it was encoded`(addresses: Int, cookies: Int, tunnels: Int) {
    let snapshot = AffinitySnapshot(
      tokenHash: SecretHash(seed: 7, 8), taken: Self.taken, addresses: Self.records(addresses, seed: 3),
      cookies: Self.records(cookies, seed: 4), tunnels: Self.records(tunnels, seed: 5))
    let bytes = snapshot.encoded()
    #expect(bytes.count == 64 + 36 * (addresses + cookies + tunnels))
    #expect(Self.decode(bytes) == .success(snapshot))
  }

  @Test func `three tables of the largest size fit a file`() {
    #expect(AffinitySnapshot.byteLimit == 64 + 36 * 3 * AffinitySnapshot.recordLimit)
  }

  @Test func `the encoding of version 1 does not change`() {
    let snapshot = AffinitySnapshot(
      tokenHash: SecretHash(seed: 0x0102_0304_0506_0708, 9), taken: WallTime(nanoseconds: 0xffff),
      addresses: [
        AffinityRecord(
          client: ClientKey(high: 0, low: 0xffff_c0a8_010a), server: ServerID(rawValue: 5),
          assigned: AssignmentTime(nanoseconds: 0x1122), silence: .seconds(1), isOpen: true)
      ], cookies: [], tunnels: [])
    let body = snapshot.encoded().dropLast(16)
    let hex = body.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    #expect(
      hex == "42454c564146460a" + "00000001" + "000000000000ffff" + "0102030405060708" + "0000000000000009"
        + "00000001" + "00000000" + "00000000" + "0000000000000000" + "0000ffffc0a8010a" + "0000000000000005"
        + "0000000000001122" + "800003e8")
  }

  @Test(arguments: [sample, withTunnels])
  func `any changed bit and any missing or extra byte is detected`(snapshot: AffinitySnapshot) {
    let bytes = snapshot.encoded()
    for index in bytes.indices {
      for bit in 0..<8 as Range<UInt8> {
        var changed = bytes
        changed[index] ^= 1 << bit
        let outcome = Self.decode(changed)
        switch index {
        case 0..<8: #expect(outcome == .failure(.foreign))
        case 8..<12 where changed[11] > 1 || index < 11:
          guard case .failure(.tooNew) = outcome else { Issue.record("byte \(index), bit \(bit)"); continue }
        default: #expect(outcome == .failure(.damaged), "byte \(index), bit \(bit)")
        }
      }
      #expect(Self.decode(Array(bytes[..<index])) == .failure(index < 8 ? .foreign : .damaged))
    }
    #expect(Self.decode(bytes + [0]) == .failure(.damaged))
  }

  @Test func `counts that do not match the length are refused although the checksum is right`() {
    let bytes = Self.sample.encoded()
    for (place, value) in [(36, 0xff), (39, 2), (39, 4), (40, 0x80), (43, 1), (43, 3)] as [(Int, UInt8)] {
      var changed = bytes
      changed[place] = value
      #expect(Self.decode(Self.sealed(changed)) == .failure(.damaged))
    }
    for (place, value) in [(11, 0), (39, 4), (44, 0xff), (47, 0), (47, 2)] as [(Int, UInt8)] {
      var changed = Self.withTunnels.encoded()
      changed[place] = value
      #expect(Self.decode(Self.sealed(changed)) == .failure(.damaged))
    }
  }

  @Test func `other files are recognised`() {
    #expect(Self.decode([]) == .failure(.foreign))
    #expect(Self.decode(Array("service: view.domain.local\n".utf8)) == .failure(.foreign))
    #expect(Self.decode(Array("BELVAFF\n".utf8)) == .failure(.damaged))
    #expect(Self.decode(Array("BELVAFF\n".utf8) + [0, 0, 0, 2]) == .failure(.tooNew(version: 2)))
    #expect("\(AffinitySnapshotError.tooNew(version: 3))" == "was written by a later release (version 3 of the file)")
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `arbitrary bytes decode to a snapshot that encodes to them, or to an error`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let start = (seed % 2 == 0 ? Self.sample : Self.withTunnels).encoded()
    for round in 0..<500 {
      var bytes = start
      for _ in 0...Int.random(in: 0...3, using: &random) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 0...40, using: &random))
        switch Int.random(in: 0..<3, using: &random) {
        case 0 where place < bytes.count: bytes[place] = .random(in: .min ... .max, using: &random)
        case 1: bytes.removeSubrange(place..<end)
        default: bytes.insert(contentsOf: bytes[place..<end], at: place)
        }
      }
      if round % 2 == 0 { bytes = Self.sealed(bytes) }
      if case .success(let snapshot) = Self.decode(bytes) { #expect(snapshot.encoded() == bytes, "seed \(seed)") }
    }
  }

  @Test func `a silence beyond the field's range is the maximum`() {
    let record = AffinityRecord(
      client: ClientKey(high: 1, low: 2), server: ServerID(rawValue: 3), assigned: AssignmentTime(nanoseconds: 9),
      silence: .hours(24 * 365))
    let snapshot = AffinitySnapshot(
      tokenHash: SecretHash(seed: 1, 2), taken: WallTime(seconds: 0), addresses: [record], cookies: [], tunnels: [])
    let read = try? Self.decode(snapshot.encoded()).get()
    #expect(read?.addresses.first?.silence == .milliseconds(1 << 31 - 1))
  }

  @Test func `a wall clock that was set back adds no silence`() {
    #expect(Self.sample.elapsed(at: Self.taken + Interval(nanoseconds: 5)) == Interval(nanoseconds: 5))
    #expect(Self.sample.elapsed(at: Self.taken - Interval(nanoseconds: 5)) == .zero)
  }
}
