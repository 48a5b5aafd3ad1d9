import HTTP1
import Wire

extension Configuration {
  /// The assignment of clients to servers.
  package struct Affinity: Equatable, Sendable {
    /// How clients are identified. The first key with an assigned server decides. If `clientAddress` is not the last
    /// key, an unknown connection goes to any server.
    package var by = [Key.clientAddress]
    /// How long an inactive client stays assigned. A View client sends a heartbeat every 30 minutes, and its session
    /// ends after three missed ones, so 90 minutes is the minimum that does not move a live session to another server.
    package var hold = Interval.minutes(90)
    /// Length of the IPv4 prefix that identifies a client, 1 to 32.
    package var ipv4Prefix = 32
    /// Length of the IPv6 prefix that identifies a client, 1 to 128. A host may change its address within its /64.
    package var ipv6Prefix = 64
    /// Maximum of clients for each key of `by`; the one that has been inactive longest is removed.
    package var entries = 100_000
    /// The file that keeps the assignments over a restart; nil for none.
    package var file: String?

    /// One way to identify a client.
    package enum Key: Hashable, Sendable {
      /// A secure tunnel's connection id, learned from the response in which a server issues it.
      case tunnel
      /// A session's cookie, learned from the response in which a server sets it.
      case cookie(SessionCookie)
      case clientAddress
    }

    /// How many tables of `entries` there are: one for addresses, and one each for cookies and tunnels.
    package var tableCount: Int { 1 + (cookie == nil ? 0 : 1) + (isByTunnel ? 1 : 0) }

    package var isByTunnel: Bool { by.contains(.tunnel) }
    package var isByAddress: Bool { by.contains(.clientAddress) }

    /// The cookie among the keys of `by`.
    package var cookie: SessionCookie? {
      for case .cookie(let cookie) in by { return cookie }
      return nil
    }
  }
}
