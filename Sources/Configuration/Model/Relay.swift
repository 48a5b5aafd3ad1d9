extension Configuration {
  /// Ports beside those of `listen` that are relayed unread to the client's server, to the same port there.
  package struct Relay: Equatable, Sendable {
    package var tcp: [UInt16] = []

    package init() {}
  }
}
