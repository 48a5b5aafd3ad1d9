import Balancing
import Certificates
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// Everything that follows from one configuration: certificates, servers, limits. Immutable; a connection keeps the
/// snapshot that it was accepted under.
final class ConfigurationSnapshot: Sendable {
  let number: UInt64
  let configuration: Configuration
  let policy: ExchangePolicy
  /// What clients are shown, in the configuration's order; empty when connections are passed through unread.
  let certificates: [CertificatePair]
  /// Nil when connections are passed through unread.
  let front: ServerContext?
  /// By the index that `backend` answers with.
  let servers: [Upstream]
  let backend: Backend
  let affinity: AffinityKeys
  let redirect: Redirect?
  /// The names that requests may be for, by the set of certificates that the client was shown one of; empty: all.
  let hosts: [ServedHosts]
  /// Replacements of our own pages, by status.
  let errorPages: [UInt16: [UInt8]]

  /// What a health check asks.
  let healthRequest: [UInt8]
  private let sharedState: SharedState

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

  /// Connections are passed through unread.
  var isPassthrough: Bool { configuration.mode == .passthrough }

  /// Loads what the configuration names. Throws a reason for a person when it can not be served.
  init(
    number: UInt64, _ configuration: Configuration, tickets: TicketKeys, sharedState: SharedState
  ) throws(ConfigurationSnapshotError) {
    self.number = number
    self.configuration = configuration
    policy = ExchangePolicy(configuration)
    let settings = configuration.tls
    certificates = configuration.mode == .passthrough ? [] : try ConfigurationSnapshot.loadCertificates(settings)
    front =
      configuration.mode == .passthrough
      ? nil : try ConfigurationSnapshot.loadFront(certificates, settings, settings.tickets ? tickets : nil)
    servers = try ConfigurationSnapshot.loadServers(configuration)
    let health = configuration.health
    healthRequest = Array(
      "\(health.method.rawValue) \(health.path) HTTP/1.1\r\nHost: \(health.host)\r\nConnection: close\r\n\r\n".utf8)
    backend = Backend(
      servers: configuration.servers.map { sharedState.server($0, queue: configuration.limits.queue) },
      configured: configuration.servers.map(Balancing.Server.init), health: health,
      dedicated: DedicatedServers(configuration.servers), sharedState: sharedState)
    affinity = AffinityKeys(configuration.affinity)
    redirect = configuration.redirect.map { Redirect(to: ConfigurationSnapshot.destination(of: $0, configuration)) }
    hosts = ConfigurationSnapshot.hosts(of: front, configuration)
    errorPages = try ConfigurationSnapshot.loadPages(configuration.errorPages)
    self.sharedState = sharedState
    sharedState.snapshotBegan()
  }

  deinit { sharedState.snapshotEnded() }

  /// What a client is known by to the balancing.
  func identity(of address: IPAddress) -> ClientKey {
    ClientKey(address, v4Prefix: configuration.affinity.ipv4Prefix, v6Prefix: configuration.affinity.ipv6Prefix)
  }

  /// What servers are told of a client. `isUnnamed`: a proxy passes on the connection, and can't say whose it is.
  func forwarding(for address: IPAddress, isSecure: Bool, isUnnamed: Bool = false) -> ForwardedFields {
    ForwardedFields(
      client: address, isSecure: isSecure, addsFields: configuration.forwarded.add,
      isPeerTrusted: !isUnnamed && configuration.forwarded.trustedProxies.contains { $0.contains(address) })
  }

  /// The set of certificates that is for the same name as one of an earlier snapshot, which a client was shown.
  func certificateSet(like set: Int, of earlier: ConfigurationSnapshot) -> Int {
    guard let name = earlier.front?.firstName(of: set) else { return 0 }
    return front?.set(for: name) ?? 0
  }

  /// Connections to servers are used for more than one request.
  var keepsServerConnections: Bool { configuration.pool.idleConnections > 0 }

  private static func loadCertificates(
    _ settings: Configuration.TLSTermination
  ) throws(ConfigurationSnapshotError) -> [CertificatePair] {
    do throws(TLSError) {
      return try settings.loadCertificates()
    } catch {
      throw ConfigurationSnapshotError("\(error)")
    }
  }

  private static func loadFront(
    _ certificates: [CertificatePair], _ settings: Configuration.TLSTermination, _ tickets: TicketKeys?
  ) throws(ConfigurationSnapshotError) -> ServerContext {
    do throws(TLSError) {
      return try ServerContext(certificates: certificates, profile: settings.profile, tickets: tickets)
    } catch {
      throw ConfigurationSnapshotError("\(error)")
    }
  }

  private static func loadServers(_ configuration: Configuration) throws(ConfigurationSnapshotError) -> [Upstream] {
    var contexts: [TLSProfile: [Trust: ClientContext]] = [:]
    var servers: [Upstream] = []
    for server in configuration.servers {
      // Where TLS is passed through only health checks speak it, and the clients verify the servers.
      let trust = configuration.mode == .passthrough ? .insecureNoVerification : server.trust
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
  private static func hosts(of front: ServerContext?, _ configuration: Configuration) -> [ServedHosts] {
    guard let front, let further = configuration.requests.hosts else { return [] }
    let named = (configuration.names + further).map(\.host)
    return front.nameSets.indices.map { set in
      ServedHosts(named.filter { front.serves($0, with: set) } + front.nameSets[set])
    }
  }

  private static func destination(
    of redirect: Configuration.Redirect, _ configuration: Configuration
  ) -> Redirect.Destination {
    if let location = redirect.location { return .fixed(Array(location.utf8)) }
    return .https(
      port: configuration.listeners.first?.port ?? 443, services: configuration.names.map { Array($0.host.utf8) })
  }
}

/// Why a configuration can not be served, in words for a person.
struct ConfigurationSnapshotError: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

extension ExchangePolicy {
  init(_ configuration: Configuration) {
    self.init()
    // Half of a head may be its target where that is more than anybody must support.
    limits = HeadLimits(
      bytes: configuration.limits.headerBytes, fieldLines: configuration.limits.headerFields,
      requestTarget: max(8_192, configuration.limits.headerBytes / 2),
      allowsContentInGet: configuration.requests.allowsContentInGet)
    retries = configuration.retries
    requestsPerConnection = configuration.limits.requestsPerConnection
    timeouts = configuration.timeouts
  }
}

extension Balancing.Server {
  init(_ server: Configuration.Server) {
    self.init(name: server.name, weight: server.weight, isBackup: server.isBackup)
  }
}
