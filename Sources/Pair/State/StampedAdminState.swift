import Domain
import Wire

/// What an operator wants of a server, and when and where that was said: the later stamp applies on all nodes.
package struct StampedAdminState: Hashable, Sendable {
  /// The server's full name.
  package var server: String
  /// Without mode and weight: ready. That is remembered too, since it replaces an earlier state.
  package var state: AdminState
  package var stamp: Stamp

  /// The order of what operators say on all nodes.
  package struct Stamp: Hashable, Comparable, Sendable {
    /// Wall-clock time, but later than every stamp that the node knew.
    package var time: WallTime
    /// The node where it was said.
    package var node: String

    package init(time: WallTime, node: String) {
      self.time = time
      self.node = node
    }

    package static func < (left: Stamp, right: Stamp) -> Bool {
      (left.time.milliseconds, left.node) < (right.time.milliseconds, right.node)
    }
  }

  package init(server: String, state: AdminState, stamp: Stamp) {
    self.server = server
    self.state = state
    self.stamp = stamp
  }

  func append(to writer: inout ByteWriter) {
    writer.append(text: server)
    writer.append(state)
    writer.append(stamp.time)
    writer.append(text: stamp.node)
  }

  init(reading reader: inout ByteReader) throws {
    server = try reader.readText("server name")
    state = try reader.readAdminState()
    stamp = Stamp(time: try reader.readTime(), node: try reader.readText("node name"))
  }
}

/// The administrative states of all servers, of which each node has a copy.
///
/// Invariant: one state for each server that was accepted; the owner accepts only configured ones.
package struct AdminStateRegister: Sendable {
  private var states: [String: StampedAdminState] = [:]
  private let node: String

  /// Empty; `node` is this node's name.
  package init(node: String) { self.node = node }

  /// All of them, in no order.
  package var all: [StampedAdminState] { Array(states.values) }

  /// The state of a server; nil if no node has one.
  package subscript(server: String) -> StampedAdminState? { states[server] }

  /// An operator of this node says this: its stamp is later than all known ones.
  package mutating func set(_ state: AdminState, of server: String, at now: WallTime) -> StampedAdminState {
    let last = states.values.map(\.stamp.time.milliseconds).max() ?? 0
    let time = WallTime(milliseconds: max(now.milliseconds, last + 1))
    let stamped = StampedAdminState(server: server, state: state, stamp: .init(time: time, node: node))
    states[server] = stamped
    return stamped
  }

  /// Takes over what another node or a file says, if it is later, of the servers that `isKnown`. Returns what changed.
  package mutating func merge(_ others: [StampedAdminState], isKnown: (String) -> Bool) -> [StampedAdminState] {
    others.filter { other in
      guard isKnown(other.server), states[other.server].map({ $0.stamp < other.stamp }) ?? true else { return false }
      states[other.server] = other
      return true
    }
  }

  /// Forgets the servers that a new configuration does not have.
  package mutating func keep(where isKnown: (String) -> Bool) { states = states.filter { isKnown($0.key) } }
}
