/// What became of one virtual router when a node was told to hand over, or to come back.
package struct Handover: Codable, Hashable, Sendable {
  /// How it ended, as the control protocol writes it.
  package enum Outcome: String, Codable, Sendable, CaseIterable {
    /// Another node has the addresses now.
    case handedOver = "handed-over"
    /// Nobody took them, so this node keeps them.
    case kept
    /// This node did not have them, and takes no part in the choice now.
    case stoodBack = "stood-back"
    /// It takes part as usual again, and does not have the addresses.
    case back
    /// It takes part as usual again, and has the addresses.
    case active
  }

  /// The virtual router's.
  package var name: String
  package var outcome: Outcome
  /// The other node that has the addresses, where it is known.
  package var successor: String?

  package init(name: String, outcome: Outcome, successor: String? = nil) {
    self.name = name
    self.outcome = outcome
    self.successor = successor
  }

  /// For a person, without the end of a line.
  package var line: String {
    switch outcome {
    case .handedOver: "\(name): \(successor ?? "another node") has the address now"
    case .kept: "\(name): no other node took over, this node keeps the address"
    case .stoodBack: "\(name): this node did not have the address"
    case .back:
      "\(name): this node takes part in the election again" + (successor.map { "; \($0) has the address" } ?? "")
    case .active: "\(name): this node has the address"
    }
  }
}
