import Control
import Domain
import Wire

/// Administrative states by the keys of `AdminSubject`: drain, maintenance, another weight of a server, and maintenance of
/// a service. Pure: time is a parameter.
///
/// They outlive workers and configurations: a new worker starts with all states, and a server or a service keeps its
/// state as long as it is configured.
struct AdminStates {
  /// The number of commands applied.
  private(set) var number: UInt64 = 0
  private var states: [String: AdminState]
  /// The configured servers and services; none before the first `keep`.
  private var names: Set<String> = []
  /// This node's name in the pair; nil without a pair.
  private let node: String?

  /// Starts with the states that an earlier run saved. Those that it saved without a pair were requested on this node.
  init(_ snapshot: AdminStateSnapshot = AdminStateSnapshot([:]), node: String? = nil) {
    let possible = snapshot.states.filter { AdminSubject(key: $0.key).allows($0.value) }
    states = possible.mapValues { state in
      var state = state
      state.node = state.node ?? node
      return state
    }
    self.node = node
  }

  /// The states to save.
  var snapshot: AdminStateSnapshot { AdminStateSnapshot(states) }

  /// The state; nil when the configuration's settings apply.
  subscript(name: String) -> AdminState? { states[name].flatMap { $0.isReady ? nil : $0 } }

  /// All states for a worker, in name order; in a pair including servers that are ready again.
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
    if let node {
      // Given again, it counts again: the other node may have been told something else meanwhile.
      next.since = time(for: name, at: now)
      next.node = node
    } else if next != before {
      next.since = now
    }
    states[name] = next.isReady && node == nil ? nil : next
    return next
  }

  /// How far the clocks of two nodes may differ. A state from further ahead would outlast every later command.
  static let clockDifference = Interval.hours(24)

  /// Later than the last command for the same server or service, though it came from a node whose clock is ahead. A clock
  /// that was further ahead than others believe, and is right again, does not count.
  private func time(for name: String, at now: WallTime) -> WallTime {
    guard let last = states[name]?.since, last < now + Self.clockDifference else { return now }
    return WallTime(milliseconds: max(now.milliseconds, last.milliseconds + 1))
  }

  /// Takes over another node's state of a configured server or service if it is later; false if it is not.
  mutating func merge(_ state: AdminState, of name: String, at now: WallTime) -> Bool {
    let limit = now + Self.clockDifference
    guard node != nil, names.contains(name), AdminSubject(key: name).allows(state), state.since < limit,
      states[name].map({ $0.since >= limit || state.isLater(than: $0) }) ?? true
    else { return false }
    number += 1
    states[name] = state
    return true
  }

  /// Whether other nodes learn them.
  var areShared: Bool { node != nil }

  /// Goes over to a configuration with these servers and services. A state whose server is not among them goes to the new
  /// server of the same short name if it can be no other, that of a service to the new service if there is one only. Where
  /// there is none, it ends.
  mutating func keep(_ names: Set<String>) -> [AdminStateNote] {
    let former = self.names.union(states.keys)
    let renamed = ServerName.renamed(from: former, to: names, alikeBy: Self.likeness)
    var notes: [AdminStateNote] = []
    for (name, state) in all where !names.contains(name) {
      states[name] = nil
      guard !state.isReady else { continue }
      if let heir = renamed[name] {
        states[heir] = state
        notes.append(.moved(name, to: heir, state))
      } else {
        let heirs = names.subtracting(former).filter { Self.likeness($0) == Self.likeness(name) }
        if !heirs.isEmpty { notes.append(.dropped(name, state, heirs.sorted())) }
        if case .service = AdminSubject(key: name) { notes.append(.ended(name)) }
      }
    }
    self.names = names
    return notes
  }

  private static func likeness(_ name: String) -> String { AdminSubject(key: name).likeness }
}
