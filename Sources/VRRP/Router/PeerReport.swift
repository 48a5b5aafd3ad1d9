import Domain
import Wire

/// What another node of the pair says of the same virtual router, over the connection of the pair.
package struct PeerReport: Hashable, Sendable {
  /// The node's name.
  package var name: String
  package var role: VirtualRouterRole
  /// The priority that it advertises or would advertise.
  package var priority: UInt8
  /// The source address of its advertisements.
  package var address: IPAddress
  /// It is Backup only because of a report of an Active that it does not hear.
  package var isSettled: Bool

  package init(name: String, role: VirtualRouterRole, priority: UInt8, address: IPAddress, isSettled: Bool) {
    self.name = name
    self.role = role
    self.priority = priority
    self.address = address
    self.isSettled = isSettled
  }
}

/// The last report of each node, while it is valid: a node that is gone reports nothing.
struct PeerReports: Hashable {
  struct Received: Hashable {
    let report: PeerReport
    let receivedAt: Instant
  }

  /// Nodes report once a second.
  static let validity = Interval.seconds(3)

  /// By node.
  private var received: [String: Received] = [:]

  mutating func take(_ report: PeerReport, at now: Instant) {
    received[report.name] = Received(report: report, receivedAt: now)
  }

  /// Forgets reports that are no longer valid.
  mutating func advance(to now: Instant) {
    guard let deadline, now >= deadline else { return }
    received = received.filter { now < $0.value.receivedAt + Self.validity }
  }

  /// When the next one loses its validity.
  var deadline: Instant? { received.values.map { $0.receivedAt + Self.validity }.min() }

  /// The best of the nodes that are Active.
  var active: Received? {
    received.values.filter { $0.report.role == .active }.max { $0.report.rank < $1.report.rank }
  }

  /// Whether the node is Backup of an Active that it hears, or of none.
  func isOrdinaryBackup(_ name: String) -> Bool {
    received[name].map { $0.report.role == .backup && !$0.report.isSettled } ?? false
  }

  /// The node that does not hear this one.
  var unhearing: String? { received.values.filter(\.report.isSettled).map(\.report.name).min() }
}

extension PeerReport {
  /// By priority, then by address, as unsigned numbers in network byte order (RFC 9568 §6.4.3).
  fileprivate var rank: (UInt8, UInt64, UInt64) { (priority, address.high, address.low) }

  /// Whether its node has a higher rank than one with this priority and address.
  func isBetter(than priority: UInt8, _ source: IPAddress) -> Bool {
    rank > (priority, source.high, source.low)
  }
}
