import Balancing
import Certificates
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// Everything that follows from one service of a configuration: certificates, servers, limits. Immutable; a connection
/// keeps the snapshot that it was accepted under, or that its last request took.
final class ServiceSnapshot: Sendable {
  /// That of the configuration.
  let number: UInt64
  let settings: Configuration.Service
  let policy: ExchangePolicy
  /// Nil when connections are passed through unread.
  let front: ServerContext?
  /// By the index that `backend` answers with.
  let servers: [Upstream]
  /// The first of them among those of all services.
  let firstServer: Int
  let backend: Backend
  let affinity: AffinityKeys
  let redirect: Redirect?
  /// The names that requests may be for, by the set of certificates that the client was shown one of; empty: all.
  let hosts: [ServedHosts]
  /// Replacements of our own pages, by status.
  let errorPages: [UInt16: [UInt8]]

  /// What a health check asks.
  let healthRequest: [UInt8]
  private let presence: Presence

  /// A server as connections to it need it.
  struct Upstream: Sendable {
    let place: ServerPlace
    let security: Security
    let sendsProxyHeader: Bool

    struct Security: Sendable {
      let context: ClientContext
      let serverName: ReferenceIdentity
    }
  }

  /// Counts the configuration as one that is in memory, for as long as any of its services is.
  final class Presence: Sendable {
    private let sharedState: SharedState

    init(in sharedState: SharedState) {
      self.sharedState = sharedState
      sharedState.snapshotBegan()
    }

    deinit { sharedState.snapshotEnded() }
  }

  /// Connections are passed through unread.
  var isPassthrough: Bool { settings.mode == .passthrough }

  /// What clients are shown, in the configuration's order; empty when connections are passed through unread.
  var certificates: [CertificatePair] { front?.certificates ?? [] }

  /// Loads what the service names. Throws a reason for a person when it can not be served.
  init(
    _ settings: Configuration.Service, of number: UInt64, firstServer: Int, _ presence: Presence, tickets: TicketKeys,
    sharedState: SharedState
  ) throws(ConfigurationSnapshotError) {
    self.number = number
    self.settings = settings
    self.firstServer = firstServer
    self.presence = presence
    policy = ExchangePolicy(settings)
    front = settings.mode == .passthrough ? nil : try ServiceSnapshot.loadFront(settings.tls, tickets)
    servers = try ServiceSnapshot.loadServers(settings)
    let health = settings.health
    healthRequest = Array(
      "\(health.method.rawValue) \(health.path) HTTP/1.1\r\nHost: \(health.host)\r\nConnection: close\r\n\r\n".utf8)
    backend = try Backend(settings, sharedState)
    affinity = AffinityKeys(settings.affinity)
    redirect = settings.redirect.map { Redirect(to: ServiceSnapshot.destination(of: $0, settings)) }
    hosts = ServiceSnapshot.hosts(of: front, settings)
    errorPages = try ServiceSnapshot.loadPages(settings.errorPages)
  }

  /// What a client is known by to the balancing.
  func identity(of address: IPAddress) -> ClientKey {
    ClientKey(address, v4Prefix: settings.affinity.ipv4Prefix, v6Prefix: settings.affinity.ipv6Prefix)
  }

  /// What servers are told of a client. `isUnnamed`: a proxy passes on the connection, and can't say whose it is.
  func forwarding(for address: IPAddress, isSecure: Bool, isUnnamed: Bool = false) -> ForwardedFields {
    ForwardedFields(
      client: address, isSecure: isSecure, addsFields: settings.forwarded.add,
      isPeerTrusted: !isUnnamed && settings.forwarded.trustedProxies.contains { $0.contains(address) })
  }

  /// The set of certificates that is for the same name as one of an earlier snapshot, which a client was shown.
  func certificateSet(like set: Int, of earlier: ServiceSnapshot) -> Int {
    guard let name = earlier.front?.firstName(of: set) else { return 0 }
    return front?.set(for: name) ?? 0
  }

  /// Connections to servers are used for more than one request.
  var keepsServerConnections: Bool { settings.pool.idleConnections > 0 }

  private static func loadFront(
    _ settings: Configuration.TLSTermination, _ tickets: TicketKeys
  ) throws(ConfigurationSnapshotError) -> ServerContext {
    do throws(TLSError) {
      return try ServerContext(
        certificates: settings.loadCertificates(), profile: settings.profile, tickets: settings.tickets ? tickets : nil)
    } catch {
      throw ConfigurationSnapshotError("\(error)")
    }
  }

  private static func loadServers(_ settings: Configuration.Service) throws(ConfigurationSnapshotError) -> [Upstream] {
    var contexts: [TLSProfile: [Trust: ClientContext]] = [:]
    var servers: [Upstream] = []
    for server in settings.servers {
      // Where TLS is passed through only health checks speak it, and the clients verify the servers.
      let trust = settings.mode == .passthrough ? .insecureNoVerification : server.trust
      do throws(TLSError) {
        let context: ClientContext
        if let shared = contexts[server.tlsProfile]?[trust] {
          context = shared
        } else {
          context = try ClientContext(trust: trust, profile: server.tlsProfile)
        }
        contexts[server.tlsProfile, default: [:]][trust] = context
        let security = Upstream.Security(context: context, serverName: try ReferenceIdentity(server.serverName))
        servers.append(
          Upstream(place: server.place, security: security, sendsProxyHeader: server.sendsProxyHeader))
      } catch {
        throw ConfigurationSnapshotError("server \(server.name): \(error)")
      }
    }
    return servers
  }

  private static func loadPages(_ files: [UInt16: String]) throws(ConfigurationSnapshotError) -> [UInt16: [UInt8]] {
    var pages: [UInt16: [UInt8]] = [:]
    for (status, path) in files {
      do throws(SystemError) {
        pages[status] = try File.contents(of: path, limit: Configuration.errorPageBytes)
      } catch {
        throw ConfigurationSnapshotError("error page \(path): \(error)")
      }
    }
    return pages
  }

  /// A name that is another set's is not served with this one: who was shown that certificate had not asked for it.
  private static func hosts(of front: ServerContext?, _ settings: Configuration.Service) -> [ServedHosts] {
    guard let front, let further = settings.requests.hosts else { return [] }
    let named = (settings.allNames + further).map(\.host)
    return front.nameSets.indices.map { set in
      // A certificate may be for the names of other services too.
      ServedHosts(named.filter { front.serves($0, with: set) } + (settings.name.isEmpty ? front.nameSets[set] : []))
    }
  }

  private static func destination(
    of redirect: Configuration.Redirect, _ settings: Configuration.Service
  ) -> Redirect.Destination {
    if let location = redirect.location { return .fixed(Array(location.utf8)) }
    return .https(
      port: settings.listeners.first?.port ?? 443, services: settings.allNames.map { Array($0.host.utf8) })
  }
}

extension ExchangePolicy {
  init(_ settings: Configuration.Service) {
    self.init()
    // Half of a head may be its target where that is more than anybody must support.
    limits = HeadLimits(
      bytes: settings.limits.headerBytes, fieldLines: settings.limits.headerFields,
      requestTarget: max(8_192, settings.limits.headerBytes / 2),
      allowsContentInGet: settings.requests.allowsContentInGet)
    retries = settings.retries
    requestsPerConnection = settings.limits.requestsPerConnection
    timeouts = settings.timeouts
  }
}

extension Balancing.Server {
  init(_ server: Configuration.Server) {
    self.init(name: server.name, weight: server.weight, isBackup: server.isBackup)
  }
}
