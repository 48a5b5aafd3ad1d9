import Domain
import Wire

/// The latest reports of the pair's other nodes on themselves, and when they were received.
///
/// Invariant: one node for each of the names that it was made with, whatever is received.
package struct PeerNodes: Sendable {
  /// Another node.
  package struct Node: Sendable {
    package let name: String
    /// Its latest report.
    package fileprivate(set) var vitals: NodeVitals?
    package fileprivate(set) var facts: NodeFacts?
    /// When `vitals` were received; before that, when this node began to wait for them.
    package fileprivate(set) var heard: Instant
    /// The same by the wall clock.
    package fileprivate(set) var heardTime: WallTime
    fileprivate var pieces = PieceBuffer(limit: NodeFacts.byteLimit)
    /// It has sent a report that could not be read.
    fileprivate var wasUnreadable = false

    /// Whether it answers: its latest vitals are not older than `PeerNodes.lifetime`.
    package func answers(at now: Instant) -> Bool { vitals != nil && now < heard + PeerNodes.lifetime }

    /// How far its wall clock was from this node's, including the transfer time; nil before its first vitals.
    package var clockDifference: Interval? {
      vitals.map { max(heardTime - $0.wall, $0.wall - heardTime) }
    }
  }

  /// How long vitals are valid: a node sends them once a second.
  package static let lifetime = Interval.seconds(3)

  /// In the order of the names.
  package private(set) var nodes: [Node]

  /// Without any report of these nodes.
  package init(_ names: [String], at now: Instant, _ time: WallTime) {
    nodes = names.map { Node(name: $0, heard: now, heardTime: time) }
  }

  /// The current state of a node: its roles and priorities, and its healthy servers; nil if it does not answer.
  package func vitals(of name: String, at now: Instant) -> NodeVitals? {
    nodes.first { $0.name == name }.flatMap { $0.answers(at: now) ? $0.vitals : nil }
  }

  /// The names of nodes that do not answer.
  package func absent(at now: Instant) -> [String] { nodes.filter { !$0.answers(at: now) }.map(\.name) }

  /// Whether vitals of a node were received after a time.
  package func hasReport(of name: String, after time: Instant) -> Bool {
    nodes.contains { $0.name == name && $0.vitals != nil && $0.heard > time }
  }

  /// Takes encoded vitals. What is not readable, or of another node, is ignored; throws why it is not readable, once for
  /// each node.
  package mutating func take(vitals bytes: [UInt8], of name: String, at now: Instant, _ time: WallTime)
    throws(PairError)
  {
    guard let index = index(of: name) else { return }
    do throws(PairError) { nodes[index].vitals = try NodeVitals(decoding: bytes) } catch {
      return try report(error, of: index)
    }
    nodes[index].heard = now
    nodes[index].heardTime = time
  }

  /// Takes a piece of encoded facts, likewise.
  package mutating func take(facts piece: BytePiece, of name: String) throws(PairError) {
    guard let index = index(of: name), let bytes = try? nodes[index].pieces.append(piece) else { return }
    do throws(PairError) { nodes[index].facts = try NodeFacts(decoding: bytes) } catch { try report(error, of: index) }
  }

  private mutating func report(_ error: PairError, of index: Int) throws(PairError) {
    guard !nodes[index].wasUnreadable else { return }
    nodes[index].wasUnreadable = true
    throw error
  }

  private func index(of name: String) -> Int? { nodes.firstIndex { $0.name == name } }
}
