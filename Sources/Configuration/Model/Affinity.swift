import HTTP1
import Wire

extension Configuration {
  /// How a client stays with its server.
  package struct Affinity: Equatable, Sendable {
    /// What a client is known by. The first that finds a server decides; without an address at the end, a connection
    /// that is not known goes to any server.
    package var by = [Key.clientAddress]
    /// How long a silent client is remembered. A View client's heartbeat comes every 30 minutes and three misses end
    /// its session, so 90 minutes is the least that does not send a live session to another server.
    package var hold = Interval.minutes(90)
    /// Leading bits of an IPv4 address that tell clients apart, 1 to 32.
    package var ipv4Prefix = 32
    /// Leading bits of an IPv6 address that tell clients apart, 1 to 128. A host changes its address within its /64.
    package var ipv6Prefix = 64
    /// How many clients are remembered in each way of `by`; the one that has been silent longest makes room.
    package var entries = 100_000
    /// Where clients are remembered over a restart; nil: nowhere.
    package var file: String?

    /// One thing that a client is known by.
    package enum Key: Hashable, Sendable {
      /// A secure tunnel's connection id, learned when a server issues it.
      case tunnel
      /// A session's cookie, learned when a server sets it.
      case cookie(SessionCookie)
      case clientAddress
    }

    package var isByTunnel: Bool { by.contains(.tunnel) }

    /// The cookie among what a client is known by.
    package var cookie: SessionCookie? {
      for case .cookie(let cookie) in by { return cookie }
      return nil
    }
  }
}
