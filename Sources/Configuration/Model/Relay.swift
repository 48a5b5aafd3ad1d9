extension Configuration {
  /// Ports, other than those of `listen`, that are relayed unparsed to the same port of the client's server.
  package struct Relay: Equatable, Sendable {
    package var tcp: [UInt16] = []
    package var udp: [UInt16] = []

    package init() {}

    package var isEmpty: Bool { tcp.isEmpty && udp.isEmpty }
  }
}
