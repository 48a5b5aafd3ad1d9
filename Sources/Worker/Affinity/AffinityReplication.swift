import Balancing
import Configuration
import Pair
import Wire

/// The exchange of clients' assignments with the other nodes.
extension AffinityStore {
  /// Number of pieces that are looked at for one batch: of those who are active, there may be few.
  private static let pieceLimit = 16

  private func table(_ kind: AffinityKind) -> AffinityShards {
    switch kind {
    case .addresses: addresses
    case .cookies: cookies
    case .tunnels: tunnels
    }
  }

  /// Puts the clock of assignments forward to this time.
  func advanceClock(to time: AssignmentTime, at now: Instant) {
    for table in [addresses, cookies, tunnels] { table.advanceClock(to: time, at: now) }
  }

  /// Takes the clients that were assigned or moved here since they were last taken; `areIncomplete`: some were lost.
  func takeChanges(service: UInt64, at now: Instant) -> (batches: [AssignmentBatch], areIncomplete: Bool) {
    var batches: [AssignmentBatch] = []
    var areIncomplete = false
    for kind in AffinityKind.allCases {
      let changes = table(kind).takeChanges(at: now)
      areIncomplete = areIncomplete || changes.areIncomplete
      for start in stride(from: 0, to: changes.records.count, by: AssignmentBatch.recordLimit) {
        let records = changes.records[start...].prefix(AssignmentBatch.recordLimit)
        batches.append(AssignmentBatch(service: service, table: kind, records: Array(records)))
      }
    }
    return (batches, areIncomplete)
  }

  /// The next batch of a copy of all entries, from `position` on, 0 at first, and where to go on, below 2⁴⁰; nil at the
  /// end. `activeSince`: only clients that have a session or were last active here, not before that.
  func batch(
    service: UInt64, from position: UInt64, activeSince: Instant?, at now: Instant
  ) -> (batch: AssignmentBatch?, next: UInt64?) {
    let first = position >> 36
    guard first < AffinityKind.allCases.count else { return (nil, nil) }
    let kind = AffinityKind.allCases[Int(first)]
    var records: [AffinityRecord] = []
    var next: UInt64? = position & 0xf_ffff_ffff
    for _ in 0..<Self.pieceLimit where records.count <= AssignmentBatch.recordLimit - AffinityShards.pieceCount {
      guard let start = next else { break }
      records += table(kind).piece(from: start, next: &next, activeSince: activeSince, at: now)
    }
    let batch = AssignmentBatch(service: service, table: kind, records: records)
    let later = next.map { first << 36 | $0 } ?? (first + 1) << 36
    return (records.isEmpty ? nil : batch, later >> 36 < AffinityKind.allCases.count ? later : nil)
  }

  /// Merges a batch of another node. Clients of tables that `settings` do not use are ignored, and those of servers
  /// that are not among `servers`: no client can be sent there.
  func merge(
    _ batch: AssignmentBatch, from source: AffinitySource, _ settings: Configuration.Affinity,
    servers: Set<ServerID>, asOf moment: Instant, at now: Instant
  ) {
    switch batch.table {
    case .addresses where !settings.isByAddress, .cookies where settings.cookie == nil,
      .tunnels where !settings.isByTunnel:
      return
    case .addresses, .cookies, .tunnels: break
    }
    let known = batch.records.filter { servers.contains($0.server) }
    table(batch.table).merge(known, from: source, age: now - moment, at: now)
  }
}
