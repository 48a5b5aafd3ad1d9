import Balancing
import Exchange
import HTTP1
import Linux
import Logging
import Wire

/// A client, as the exchanges on its connection know it: everything of the connection but its phase and the exchanges
/// themselves, so that an exchange and this can be changed at the same time.
struct Client: ~Copyable {
  /// What a listener's connections are for.
  enum Service: Equatable, Sendable {
    case https
    case redirect
    case passthrough

    var exchangeKind: Exchange.Kind {
      switch self {
      case .https: .relayed
      case .redirect: .redirected
      case .passthrough: .opaque
      }
    }
  }

  /// Where it came in.
  struct Entrance: Sendable {
    var service: Service
    /// The listener's.
    let port: UInt16
    /// What comes here is relayed to the same port of the client's server.
    var isRelay = false
    /// Where several services listen, which one is meant is told by the name that the client asks for.
    var several: NamedServices?
    /// A trusted proxy passes the connection on, and can't say whose it is: what it says of others is not believed.
    var isUnnamed = false
  }

  /// This client's sessions in the affinity tables: of its address, its latest cookie and its latest tunnel.
  struct Sessions {
    var address: AffinityShards.Session?
    var cookie: AffinityShards.Session?
    var tunnel: AffinityShards.Session?
  }

  var side: RelaySide
  var entrance: Entrance
  /// Who is connected, or whose connection a trusted proxy passes on.
  var peer: ClientIdentity
  /// Whom the request under way is for, where a trusted proxy says that it is for somebody else.
  var origin: ClientIdentity?
  /// Whom the request before was for, if a trusted proxy sent it.
  var earlier: Endpoint?
  var forwarding: ForwardedFields
  /// The newest when its last request was routed.
  var snapshot: ServiceSnapshot
  /// Its key in the loop's slab.
  var key = SlabKey(index: 0, generation: 0)
  /// Of the snapshot's `hosts`, which one holds here: by the certificate that was shown.
  var certificateSet = 0
  var sessions = Sessions()
  /// The choice made for an earlier request here, good for the same cookie and as long as no server changes its state; why
  /// that server, until it has answered: then the client is assigned to it.
  var routed: (server: Int, epoch: UInt64, cookie: ClientKey?, unsettled: Backend.Choice.Basis?)?
  /// The server's connection that is kept for this client between two exchanges.
  var kept: SlabKey?
  /// The server's connection stays this client's, as an exchange has decided.
  var isPrivate = false

  var service: Service { entrance.service }

  /// The port at the server, if it is not the server's own.
  var relayedPort: UInt16? { entrance.isRelay ? entrance.port : nil }

  /// Whom everything that is done here is done for.
  var identity: ClientIdentity { origin ?? peer }

  /// What its places at servers are counted by.
  var account: ConnectionLedger.Account { origin?.account ?? peer.account }

  /// A request takes the newest snapshot of its service, whichever one its connection was accepted under. True: it is
  /// another one.
  mutating func adopt(_ newest: ConfigurationSnapshot) -> Bool {
    guard snapshot.number != newest.number, let next = newest.service(like: snapshot) else { return false }
    if next.hosts.count > 1 || certificateSet > 0 {
      certificateSet = next.certificateSet(like: certificateSet, of: snapshot)
    }
    enter(next)
    return true
  }

  /// What is done here goes by this snapshot from now on.
  mutating func enter(_ service: ServiceSnapshot) {
    snapshot = service
    forwarding = service.forwarding(
      for: peer.endpoint.address, isSecure: entrance.service == .https, isUnnamed: entrance.isUnnamed)
    routed = nil
  }

  /// Ends our direction in order, as far as that needs no waiting.
  mutating func sayGoodbye() { _ = side.stream.sendEnd() }

  /// Whom a message about this client is about.
  var subject: Logger.Metadata { ["client": "\(identity.endpoint.address)", "configuration": "\(snapshot.number)"] }
}
