import Balancing
import Domain
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// The state of a client's connection that all of its requests use: what is the connection's, but for its phase, its
/// timer and the requests themselves, so that a request and this can be changed at the same time.
struct Client: ~Copyable {
  /// The listener on which the connection was accepted.
  struct Entrance: Sendable {
    var kind: Exchange.Kind
    /// The listener's port.
    let port: UInt16
    /// Connections are relayed to the same port of the client's server.
    var isRelay = false
    /// The services that share the listener, distinguished by the name that the client requests.
    var several: NamedServices?
    /// Whether other services listen here too. The client has selected one by its name.
    var isShared = false
    /// A trusted proxy forwards the connection without the client's address; its X-Forwarded fields are ignored.
    var isUnnamed = false

    /// TLS is terminated where requests are relayed, and nowhere else.
    var hasTLS: Bool { kind == .relayed }
  }

  /// This client's sessions in the affinity tables: by its address, its latest cookie and its latest tunnel.
  struct Sessions {
    var address: AffinityShards.Session?
    var cookie: AffinityShards.Session?
    var tunnel: AffinityShards.Session?
  }

  var side: RelaySide
  var entrance: Entrance
  /// The connected client, or the one that a trusted proxy named in the PROXY protocol header.
  var peer: ClientIdentity
  var forwarding: ForwardedFields
  /// The newest at the time when the last request was routed.
  var snapshot: ServiceSnapshot
  /// The connection's key in the loop's slab.
  var key = SlabKey(index: 0, generation: 0)
  /// The index in the snapshot's `hosts` that applies here, given by the certificate that was presented.
  var certificateSet = 0
  var sessions = Sessions()
  /// The choice made for an earlier request. It is valid for the same cookie while no server changes its state.
  var routed: (server: Int, epoch: UInt64, cookie: ClientKey?)?
  var certificate = ClientCertificate()
  /// The traces that follow the connection and its request.
  var traces = TraceMarks()
  /// Why the request or the connection ends, for traces: noted only while there are any.
  var cause: EndCause?

  /// The server's port, if it is not the configured one.
  var relayedPort: UInt16? { entrance.isRelay ? entrance.port : nil }

  /// A request uses the newest snapshot of its service, not the one under which its connection was accepted.
  mutating func adoptNewest(_ context: inout LoopContext) {
    if !context.isNewest(snapshot) { adopt(context.snapshot, &context) }
  }

  @inline(never)
  private mutating func adopt(_ newest: ConfigurationSnapshot, _ context: inout LoopContext) {
    guard let next = newest.service(like: snapshot) else { return follow(newest, &context) }
    if next.hosts.count > 1 || certificateSet > 0 {
      certificateSet = next.certificateSet(like: certificateSet, of: snapshot)
    }
    enter(next)
  }

  /// The service is gone, as when it got another name. Its clients move to the service that has its names now, with the
  /// servers and assignments of that one.
  @inline(never)
  private mutating func follow(_ newest: ConfigurationSnapshot, _ context: inout LoopContext) {
    guard let next = newest.service(named: snapshot) else { return }
    leaveAffinity(&context)
    certificateSet = next.certificateSet(like: certificateSet, of: snapshot)
    move(to: next)
  }

  /// Changes the service. Each service may identify clients by prefixes of its own.
  mutating func move(to service: ServiceSnapshot) {
    let endpoint = peer.endpoint
    peer = ClientIdentity(endpoint: endpoint, key: service.identity(of: endpoint.address), account: peer.account)
    enter(service)
  }

  /// Uses this snapshot from now on.
  mutating func enter(_ service: ServiceSnapshot) {
    if service.shared !== snapshot.shared {
      snapshot.shared.connectionEnded()
      service.shared.connectionBegan()
    }
    let verification = snapshot.front?.verification
    snapshot = service
    forwarding = service.forwarding(
      for: peer.endpoint.address, isSecure: entrance.hasTLS, isUnnamed: entrance.isUnnamed)
    routed = nil
    if side.stream.tls != nil { verifyCertificate(after: verification) }
  }

  /// Ends our direction in order, as far as possible without blocking.
  mutating func sendEnd() { _ = side.stream.sendEnd() }

  /// The metadata of log messages about one of its clients.
  func subject(_ identity: ClientIdentity) -> Logger.Metadata {
    ["client": "\(identity.endpoint.address)", "configuration": "\(snapshot.number)"]
  }
}
