import Wire

extension Configuration {
  /// The nodes that share the service, and the secret between them. The same on every node.
  package struct Pair: Hashable, Sendable {
    /// One of the nodes.
    package struct Node: Hashable, Sendable {
      package var name: String
      /// The node's own address, not a virtual one.
      package var address: IPAddress
    }

    /// Two or more, in the file's order, with different names and addresses.
    package var nodes: [Node] = []
    /// The name of this node.
    package var node = ""
    /// Of every node's address.
    package var port: UInt16 = 2358
    /// The path of the file with the secret.
    package var secret = ""

    /// Every node has a connection with every other one.
    package static let nodeCounts = 2...8

    /// Where other nodes connect.
    package var listener: Listener? { own.map { Listener(address: $0.address, port: port) } }
    /// This node.
    package var own: Node? { nodes.first { $0.name == node } }
    /// The other nodes.
    package var others: [Node] { nodes.filter { $0.name != node } }
  }
}
