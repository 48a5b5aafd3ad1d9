import Domain

/// The connections that a trace has shown and that have not ended: after its last event nothing tells of their ends.
package struct OpenConnections {
  private var clients: Set<String> = []

  package init() {}

  package var count: Int { clients.count }

  /// Takes an event of the trace. A trace reports so few events a second that these are bounded, too.
  package mutating func note(_ event: TraceEvent) {
    switch event.kind {
    case .connected: if let client = event.text(.client) { clients.insert(client) }
    case .closed: if let client = event.text(.client) { clients.remove(client) }
    case .workerEnded: clients = []
    default: break
    }
  }

  /// For people.
  package static func words(_ count: some BinaryInteger) -> String {
    count == 0
      ? "no connection is open" : "\(count) connection\(count == 1 ? " is" : "s are") still open"
  }
}
