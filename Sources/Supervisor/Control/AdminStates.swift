import Control
import Domain
import Wire

/// The administrative state of each server that has one, by name: drained, in maintenance, with another weight. Pure:
/// moments are handed in.
///
/// It outlives workers and configurations: a worker begins with every state, and a server keeps its state for as long as
/// the configuration names it.
struct AdminStates {
  /// Counts the commands that were taken.
  private(set) var number: UInt64 = 0
  private var states: [String: AdminState]

  /// As an earlier service has left it.
  init(_ snapshot: AdminStateSnapshot = AdminStateSnapshot([:])) { states = snapshot.states }

  /// What outlasts this process.
  var snapshot: AdminStateSnapshot { AdminStateSnapshot(states) }

  /// A server's state; nil when it is what the configuration says.
  subscript(name: String) -> AdminState? { states[name] }

  /// Every one, for a worker, in the order of the names.
  var all: [(name: String, state: AdminState)] { states.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

  /// Takes a command for a server; answers with the whole of its state, for the worker.
  mutating func apply(_ command: ServerCommand, to name: String, at now: WallTime) -> AdminState {
    number += 1
    let before = states[name]
    var next = before ?? AdminState(since: now)
    switch command {
    case .drain: next.mode = .drain
    case .maintenance: next.mode = .maintenance
    case .ready: next.mode = nil
    case .weight(let weight): next.weight = weight
    }
    if next != before { next.since = now }
    states[name] = next.mode == nil && next.weight == nil ? nil : next
    return next
  }

  /// Forgets servers that are not among these.
  mutating func keep(_ names: Set<String>) { states = states.filter { names.contains($0.key) } }
}
