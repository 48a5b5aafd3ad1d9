import Control
import Domain
import Wire

/// Administrative states by server name: drain, maintenance, another weight. Pure: time is a parameter.
///
/// They outlive workers and configurations: a new worker starts with all states, and a server keeps its state as long
/// as it is configured.
struct AdminStates {
  /// The number of commands applied.
  private(set) var number: UInt64 = 0
  private var states: [String: AdminState]
  /// The configured servers; none before the first `keep`.
  private var names: Set<String> = []

  /// Starts with the states that an earlier run saved.
  init(_ snapshot: AdminStateSnapshot = AdminStateSnapshot([:])) { states = snapshot.states }

  /// The states to save.
  var snapshot: AdminStateSnapshot { AdminStateSnapshot(states) }

  /// A server's state; nil when the configuration's settings apply.
  subscript(name: String) -> AdminState? { states[name] }

  /// All states for a worker, in name order.
  var all: [(name: String, state: AdminState)] { states.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

  /// Applies a command to a server and returns its new state, for the worker.
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

  /// Goes over to a configuration with these servers. A state whose server is not among them goes to the new server of
  /// the same short name if it can be no other; where no new server has that name, it ends with its server.
  mutating func keep(_ names: Set<String>) -> [AdminStateNote] {
    let gone = Dictionary(grouping: self.names.union(states.keys).subtracting(names), by: Self.shortName)
    let new = Dictionary(grouping: names.subtracting(self.names).subtracting(states.keys), by: Self.shortName)
    var notes: [AdminStateNote] = []
    for (name, state) in all where !names.contains(name) {
      states[name] = nil
      let shortName = Self.shortName(name)
      let heirs = new[shortName, default: []]
      if heirs.count == 1, gone[shortName]?.count == 1 {
        states[heirs[0]] = state
        notes.append(.moved(name, to: heirs[0], state))
      } else if !heirs.isEmpty {
        notes.append(.dropped(name, state, heirs.sorted()))
      }
    }
    self.names = names
    return notes
  }

  private static func shortName(_ name: String) -> Substring { ServerName.parts(of: name).name }
}
