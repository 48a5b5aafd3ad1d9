/// The outcome of a failover or failback for one virtual router.
package struct Handover: Codable, Hashable, Sendable {
  /// The outcome, in the format of the control protocol.
  package enum Outcome: String, Codable, Sendable, CaseIterable {
    /// Another node has the addresses now.
    case handedOver = "handed-over"
    /// No other node took them, so this node keeps them.
    case kept
    /// This node did not have them, and is withdrawn from the election now.
    case notActive = "stood-back"
    /// Failback: it takes part in the election again, without the addresses.
    case back
    /// Failback: it takes part in the election again, with the addresses.
    case active
  }

  /// The virtual router's.
  package var name: String
  package var outcome: Outcome
  /// The other node with the addresses, if known.
  package var successor: String?

  package init(name: String, outcome: Outcome, successor: String? = nil) {
    self.name = name
    self.outcome = outcome
    self.successor = successor
  }

  /// For display, without line end.
  package var line: String {
    switch outcome {
    case .handedOver: "\(name): \(successor ?? "another node") has the address now"
    case .kept: "\(name): no other node took over, this node keeps the address"
    case .notActive: "\(name): this node did not have the address"
    case .back:
      "\(name): this node takes part in the election again" + (successor.map { "; \($0) has the address" } ?? "")
    case .active: "\(name): this node has the address"
    }
  }
}
