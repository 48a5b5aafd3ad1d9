import Configuration
import HTTP1

/// How clients are identified in a configuration (`affinity.by`).
struct AffinityKeys: Sendable {
  /// Whether tunnels are routed by the ids that servers issue.
  let isByTunnel: Bool
  let cookie: SessionCookie?
  let isByAddress: Bool

  init(_ settings: Configuration.Affinity) {
    isByTunnel = settings.isByTunnel
    cookie = settings.cookie
    isByAddress = settings.isByAddress
  }
}
