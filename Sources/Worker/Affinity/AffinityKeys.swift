import Configuration
import HTTP1

/// What clients are known by in one configuration (`affinity.by`).
struct AffinityKeys: Sendable {
  /// Tunnels are routed by the ids that servers issue.
  let isByTunnel: Bool
  let cookie: SessionCookie?
  let isByAddress: Bool

  init(_ settings: Configuration.Affinity) {
    isByTunnel = settings.isByTunnel
    cookie = settings.cookie
    isByAddress = settings.by.contains(.clientAddress)
  }
}
