import Domain
import Wire

/// The worker's current load, and its counters since its start.
package struct Load: Hashable, Sendable {
  /// Number of open client connections.
  package var connections: UInt32
  /// Number of exchanges, including tunnels.
  package var exchanges: UInt32
  /// Number of configurations in memory: the current one, and those in use by a connection.
  package var snapshots: UInt32
  /// Number of requests begun.
  package var requests: UInt64
  /// Number of client connections accepted.
  package var accepted: UInt64
  /// Counters of rejected connections and requests.
  package var refused: RefusedCounts
  /// Flows of datagrams.
  package var flows: UInt32
  package var datagrams: DatagramCounts

  package init(
    connections: UInt32, exchanges: UInt32, snapshots: UInt32 = 1, requests: UInt64, accepted: UInt64 = 0,
    refused: RefusedCounts = RefusedCounts(), flows: UInt32 = 0, datagrams: DatagramCounts = DatagramCounts()
  ) {
    self.connections = connections
    self.exchanges = exchanges
    self.snapshots = snapshots
    self.requests = requests
    self.accepted = accepted
    self.refused = refused
    self.flows = flows
    self.datagrams = datagrams
  }
}

extension Load: MessageField {
  func append(to writer: inout ByteWriter) {
    writer.append(
      fields: connections, exchanges, snapshots, requests, accepted, refused.connections, refused.handshakes,
      refused.requests, refused.unroutable, flows, datagrams.relayed, datagrams.dropped)
  }
}

extension FieldReader {
  mutating func load() throws(MessageError) -> Load {
    Load(
      connections: try uint32(), exchanges: try uint32(), snapshots: try uint32(), requests: try uint64(),
      accepted: try uint64(),
      refused: RefusedCounts(
        connections: try uint64(), handshakes: try uint64(), requests: try uint64(), unroutable: try uint64()),
      flows: try uint32(), datagrams: DatagramCounts(relayed: try uint64(), dropped: try uint64()))
  }
}
