import Balancing
import Configuration
import Pair
import Wire

/// The affinity tables of all services, as other nodes name them.
struct PairTables: Sendable {
  private struct Service: Sendable {
    let id: UInt64
    let settings: Configuration.Affinity
    let servers: Set<ServerID>
    let affinity: AffinityStore

    init(_ snapshot: ServiceSnapshot) {
      id = AssignmentBatch.serviceID(of: snapshot.settings.name)
      settings = snapshot.settings.affinity
      servers = Set(snapshot.backend.servers.map(\.id))
      affinity = snapshot.backend.affinity
    }
  }

  /// Whether both have the same services with the same servers.
  func isAlike(_ other: PairTables) -> Bool {
    services.elementsEqual(other.services) {
      $0.id == $1.id && $0.settings == $1.settings && $0.servers == $1.servers && $0.affinity === $1.affinity
    }
  }

  private let services: [Service]
  /// How often activity is reported, to keep clients from expiring on other nodes.
  let refresh: Interval

  init(_ snapshots: [ServiceSnapshot]) {
    services = snapshots.map(Service.init)
    refresh = Interval(nanoseconds: (services.map(\.settings.hold.nanoseconds).min() ?? 0) / 4)
  }

  /// Merges clients of another node.
  func merge(_ batch: AssignmentBatch, from source: AffinitySource, asOf moment: Instant, at now: Instant) {
    guard let service = services.first(where: { $0.id == batch.service }) else { return }
    service.affinity.merge(batch, from: source, service.settings, servers: service.servers, asOf: moment, at: now)
  }

  /// Puts the clock of assignments forward to this time.
  func advanceClocks(to time: AssignmentTime, at now: Instant) {
    for service in services { service.affinity.advanceClock(to: time, at: now) }
  }

  /// Takes the clients that were assigned or moved here since they were last taken; `areIncomplete`: some were lost.
  func takeChanges(at now: Instant) -> (batches: [AssignmentBatch], areIncomplete: Bool) {
    let changes = services.map { $0.affinity.takeChanges(service: $0.id, at: now) }
    return (changes.flatMap(\.batches), changes.contains(where: \.areIncomplete))
  }

  /// The next batch of a copy of all tables, from `position` on, 0 at first, and where to go on; nil at the end.
  func batch(from position: UInt64, activeSince: Instant?, at now: Instant) -> (batch: AssignmentBatch?, next: UInt64?)
  {
    let index = Int(position >> 40)
    guard index < services.count else { return (nil, nil) }
    let (batch, next) = services[index].affinity.batch(
      service: services[index].id, from: position & 0xff_ffff_ffff, activeSince: activeSince, at: now)
    let isLast = next == nil && index + 1 == services.count
    return (batch, isLast ? nil : next.map { UInt64(index) << 40 | $0 } ?? UInt64(index + 1) << 40)
  }
}
