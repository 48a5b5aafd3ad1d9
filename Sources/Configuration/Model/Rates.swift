import Balancing
import Wire

extension Configuration {
  /// How often a client, an address or an IPv6 /64, may connect and ask. Nil means no rate.
  package struct Rates: Equatable, Sendable {
    package var connections: Rate?
    package var handshakes: Rate?
    package var requests: Rate?
    /// Clients without a rate.
    package var exceptions: [IPPrefix] = []
    /// Whether clients above their rate are only counted and logged.
    package var isTrial = false

    package init() {}

    /// Whether no client has a rate.
    package var isEmpty: Bool { connections == nil && handshakes == nil && requests == nil }

    /// As in the file; nil: no rate.
    package var texts: (connections: String?, handshakes: String?, requests: String?) {
      (connections?.description, handshakes?.description, requests?.description)
    }
  }
}
