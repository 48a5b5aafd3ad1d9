import Control
import Wire
import WorkerProtocol

/// The administrative state of each server that has one, by name: drained, in maintenance, with another weight. Pure:
/// moments are handed in.
///
/// It outlives workers and configurations: a worker begins with every state, and a server keeps its state for as long as
/// the configuration names it.
struct AdminStates {
  /// Counts the commands that were taken.
  private(set) var number: UInt64 = 0
  private var states: [String: StatusReport.Server.AdminState]

  /// As an earlier service has left it.
  init(_ snapshot: AdminStateSnapshot = AdminStateSnapshot([:])) { states = snapshot.states }

  /// What outlasts this process.
  var snapshot: AdminStateSnapshot { AdminStateSnapshot(states) }

  /// A server's state; nil when it is what the configuration says.
  subscript(name: String) -> StatusReport.Server.AdminState? { states[name] }

  /// Every one, for a worker.
  var all: [AdminState] { states.keys.sorted().map(state) }

  /// Takes a command for a server; answers with the whole of its state, for the worker.
  mutating func apply(_ command: ServerCommand, to name: String, at now: WallTime) -> AdminState {
    number += 1
    let before = states[name]
    var next = before ?? StatusReport.Server.AdminState(mode: nil, weight: nil, since: now)
    switch command {
    case .drain: next.mode = .drain
    case .maintenance: next.mode = .maintenance
    case .ready: next.mode = nil
    case .weight(let weight): next.weight = weight.map { UInt64($0) }
    }
    if next != before { next.since = now }
    states[name] = next.mode == nil && next.weight == nil ? nil : next
    return state(of: name)
  }

  /// Forgets servers that are not among these.
  mutating func keep(_ names: Set<String>) { states = states.filter { names.contains($0.key) } }

  private func state(of name: String) -> AdminState {
    let mode: AdminState.Mode =
      switch states[name]?.mode {
      case .drain: .drain
      case .maintenance: .maintenance
      case nil: .ready
      }
    return AdminState(name: name, mode: mode, weight: states[name]?.weight.map { Int($0) })
  }
}
