import Domain
import Wire

/// What the worker carries at the moment, and what it has counted since it started.
package struct Load: Hashable, Sendable {
  /// Client connections that are open.
  package var connections: UInt32
  /// Exchanges under way, tunnels among them.
  package var exchanges: UInt32
  /// Configurations in memory: the one in use, and those that some connection keeps.
  package var snapshots: UInt32
  /// Requests begun.
  package var requests: UInt64
  /// Client connections accepted.
  package var accepted: UInt64
  /// What was turned away.
  package var refused: RefusedCounts

  package init(
    connections: UInt32, exchanges: UInt32, snapshots: UInt32 = 1, requests: UInt64, accepted: UInt64 = 0,
    refused: RefusedCounts = RefusedCounts()
  ) {
    self.connections = connections
    self.exchanges = exchanges
    self.snapshots = snapshots
    self.requests = requests
    self.accepted = accepted
    self.refused = refused
  }
}

extension Load: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(
      fields: connections, exchanges, snapshots, requests, accepted, refused.connections, refused.handshakes,
      refused.requests, refused.unroutable)
  }
}

extension FieldReader {
  mutating func load() throws(MessageError) -> Load {
    Load(
      connections: try uint32(), exchanges: try uint32(), snapshots: try uint32(), requests: try uint64(),
      accepted: try uint64(),
      refused: RefusedCounts(
        connections: try uint64(), handshakes: try uint64(), requests: try uint64(), unroutable: try uint64()))
  }
}
