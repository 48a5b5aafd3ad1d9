import Control
import Roles

/// What operators have ordered of servers and not taken back, by name. Pure: moments are handed in.
///
/// It outlives workers and configurations: a worker begins with all of it, and a server keeps its order for as long as
/// the configuration names it.
struct AdminStates {
  /// Counts the orders that were given.
  private(set) var number: UInt64 = 0
  private var standing: [String: StatusReport.Server.Order]

  /// As an earlier service has left it.
  init(_ snapshot: OrderSnapshot = OrderSnapshot([:])) { standing = snapshot.orders }

  /// What outlasts this process.
  var snapshot: OrderSnapshot { OrderSnapshot(standing) }

  /// A server's order; nil when there is none.
  subscript(name: String) -> StatusReport.Server.Order? { standing[name] }

  /// Every one, for a worker.
  var all: [ServerOrder] { standing.keys.sorted().map(order) }

  /// Takes what an operator wants of a server; answers with the whole of its order, for the worker.
  mutating func give(_ command: ServerCommand, to name: String, at now: Moment) -> ServerOrder {
    number += 1
    let before = standing[name]
    var next = before ?? StatusReport.Server.Order(mode: nil, weight: nil, since: now)
    switch command {
    case .drain: next.mode = .drain
    case .maintenance: next.mode = .maintenance
    case .ready: next.mode = nil
    case .weight(let weight): next.weight = weight.map { UInt64($0) }
    }
    if next != before { next.since = now }
    standing[name] = next.mode == nil && next.weight == nil ? nil : next
    return order(of: name)
  }

  /// Forgets servers that are not among these.
  mutating func keep(_ names: Set<String>) { standing = standing.filter { names.contains($0.key) } }

  private func order(of name: String) -> ServerOrder {
    let mode: ServerOrder.Mode =
      switch standing[name]?.mode {
      case .drain: .drain
      case .maintenance: .maintenance
      case nil: .ready
      }
    return ServerOrder(name: name, mode: mode, weight: standing[name]?.weight.map { Int($0) })
  }
}
