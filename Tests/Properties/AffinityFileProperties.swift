import Balancing
import Wire

/// Properties of any bytes read as an affinity file: it is refused, or is the encoding of its snapshot; and its
/// records can be merged into a table of any size, however old they are.
///
/// If the first byte is not 0, the checksum at the end is corrected first, since a fuzzer does not find it.
package enum AffinityFileProperties {
  package static func check(_ bytes: [UInt8]) throws(Violation) {
    var file = Array(bytes.dropFirst())
    if bytes.first != 0 { seal(&file) }
    let snapshot: AffinitySnapshot
    do throws(AffinitySnapshotError) {
      snapshot = try AffinitySnapshot(decoding: file.span)
    } catch {
      try require(!error.description.isEmpty, "no reason")
      return
    }
    try require(snapshot.encoded() == file, "written otherwise")
    let elapsed = snapshot.elapsed(at: .last)
    for (capacity, elapsed) in [(1, Interval.zero), (1000, .minutes(1)), (1000, elapsed)] {
      var table = AffinityTable(capacity: capacity, hold: .minutes(90), hash: ClientHash(seed: 1, 2))
      table.merge(
        snapshot.addresses[...], from: .file, asOf: Instant(nanoseconds: 1) - elapsed, at: Instant(nanoseconds: 1))
      let clients = Set(snapshot.addresses.map(\.client)).count
      try require(table.count <= min(capacity, clients), "\(table.count) of \(clients) clients in \(capacity) places")
    }
  }

  private static func seal(_ file: inout [UInt8]) {
    guard file.count >= 16 else { return }
    let body = Array(file.dropLast(16))
    let sum = SecretHash(seed: 0, 0)(body.span)
    var tail = ByteWriter(limit: 16)
    tail.append(bigEndian: sum.first)
    tail.append(bigEndian: sum.last)
    file = body + tail.bytes
  }
}
