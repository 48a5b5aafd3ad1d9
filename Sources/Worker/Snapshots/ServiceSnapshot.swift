import Balancing
import Certificates
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// The immutable state of one service of a configuration: certificates, servers, limits. A connection keeps the
/// snapshot under which it was accepted, or which its last request used.
final class ServiceSnapshot: Sendable {
  /// The configuration's number.
  let number: UInt64
  let settings: Configuration.Service
  let shared: SharedService
  /// Of the service's counters in each loop.
  let counters: CounterKey
  let policy: ExchangePolicy
  /// Nil in passthrough mode.
  let front: ServerContext?
  /// By `backend`'s server index.
  let servers: [Upstream]
  /// The index of the first of them among the servers of all services.
  let firstServer: Int
  let backend: Backend
  let affinity: AffinityKeys
  /// Nil where every client may come in.
  let rules: ClientRules?
  /// The fields that are edited; nil where none are.
  let edits: (request: HeaderEdits?, response: HeaderEdits?)
  let redirect: Redirect?
  /// The accepted host names, by the set with the certificate presented to the client; empty if all are accepted.
  let hosts: [ServedHosts]
  /// Custom error pages, and the page of maintenance.
  let pages: [Configuration.OwnPage: [UInt8]]
  private let presence: Presence

  /// The settings for connections to a server.
  struct Upstream: Sendable {
    let identity: ServerIdentity
    let security: Security
    let sendsProxyHeader: Bool
    /// Of the server's counters in each loop.
    let counters: CounterKey

    struct Security: Sendable {
      let context: ClientContext
      let serverName: ReferenceIdentity
    }
  }

  /// Counts the configuration's snapshot as in memory while any of its services is.
  final class Presence: Sendable {
    private let sharedState: SharedState

    init(in sharedState: SharedState) {
      self.sharedState = sharedState
      sharedState.snapshotBegan()
    }

    deinit { sharedState.snapshotEnded() }
  }

  /// Whether connections are relayed without being decrypted.
  var isPassthrough: Bool { settings.mode == .passthrough }

  /// The certificates presented to clients, in the configuration's order; empty in passthrough mode.
  var certificates: [CertificatePair] { front?.certificates ?? [] }

  /// Loads the service's files. Throws the reason, for the operator, when it can not be served.
  init(
    _ settings: Configuration.Service, of number: UInt64, _ servers: ArraySlice<SharedServer>, _ presence: Presence,
    rates: RateRules?, tickets: TicketKeys, secrets: PairSecrets?, sharedState: SharedState
  ) throws(ConfigurationSnapshotError) {
    self.number = number
    self.settings = settings
    firstServer = servers.startIndex
    self.presence = presence
    shared = sharedState.service(of: settings)
    counters = shared.slot.key
    policy = ExchangePolicy(settings)
    front = settings.mode == .passthrough ? nil : try ServiceSnapshot.loadFront(settings, tickets)
    self.servers = try ServiceSnapshot.loadServers(settings, servers)
    backend = try Backend(settings, Array(servers), secrets, sharedState)
    affinity = AffinityKeys(settings.affinity)
    rules = ClientRules(access: settings.access.isEmpty ? nil : AccessRules(settings.access), rates: rates)
    edits = ServiceSnapshot.edits(settings)
    redirect = settings.redirect.map { Redirect(to: ServiceSnapshot.destination(of: $0, settings)) }
    hosts = ServiceSnapshot.hosts(of: front, settings)
    pages = try ServiceSnapshot.loadPages(settings.pages)
  }

  /// The request of a health check.
  var healthRequest: [UInt8] {
    let health = settings.health
    return Array(
      "\(health.method.rawValue) \(health.path) HTTP/1.1\r\nHost: \(health.host)\r\nConnection: close\r\n\r\n".utf8)
  }

  /// The client's key for balancing.
  func identity(of address: IPAddress) -> ClientKey {
    ClientKey(address, v4Prefix: settings.affinity.ipv4Prefix, v6Prefix: settings.affinity.ipv6Prefix)
  }

  /// The fields about a client for its servers. `isUnnamed`: a trusted proxy forwards the connection without the
  /// client's address.
  func forwarding(for address: IPAddress, isSecure: Bool, isUnnamed: Bool = false) -> ForwardedFields {
    ForwardedFields(
      client: address, isSecure: isSecure, addsFields: settings.forwarded.add,
      isPeerTrusted: !isUnnamed && settings.forwarded.trustedProxies.contains { $0.contains(address) },
      verifiesCertificates: settings.tls.clientCertificates != nil)
  }

  /// The set of certificates for the same name as a set of an earlier snapshot that was presented to a client.
  func certificateSet(like set: Int, of earlier: ServiceSnapshot) -> Int {
    guard let name = earlier.front?.firstName(of: set) else { return 0 }
    return front?.set(for: name) ?? 0
  }

  /// Whether connections to servers are reused.
  var keepsServerConnections: Bool { settings.pool.idleConnections > 0 }

  private static func loadFront(
    _ settings: Configuration.Service, _ tickets: TicketKeys
  ) throws(ConfigurationSnapshotError) -> ServerContext {
    do throws(TLSError) {
      let front = try settings.loadServerContext(tickets: tickets)
      try front.rehearse()
      return front
    } catch {
      throw ConfigurationSnapshotError("\(error)")
    }
  }

  private static func loadServers(
    _ settings: Configuration.Service, _ known: ArraySlice<SharedServer>
  ) throws(ConfigurationSnapshotError) -> [Upstream] {
    var contexts: [TLSPolicy: [Trust: ClientContext]] = [:]
    var servers: [Upstream] = []
    for (server, shared) in zip(settings.servers, known) {
      // In passthrough mode only health checks use TLS to the servers, and the clients verify the servers.
      let trust = settings.mode == .passthrough ? .insecureNoVerification : server.trust
      do throws(TLSError) {
        let context: ClientContext
        if let shared = contexts[server.tls]?[trust] {
          context = shared
        } else {
          context = try ClientContext(trust: trust, policy: server.tls)
        }
        contexts[server.tls, default: [:]][trust] = context
        let security = Upstream.Security(context: context, serverName: try ReferenceIdentity(server.serverName))
        servers.append(
          Upstream(
            identity: server.identity, security: security, sendsProxyHeader: server.sendsProxyHeader,
            counters: shared.slot.key))
      } catch {
        throw ConfigurationSnapshotError("server \(server.name): \(error)")
      }
    }
    return servers
  }

  private static func edits(
    _ settings: Configuration.Service
  ) -> (request: HeaderEdits?, response: HeaderEdits?) {
    func edits(_ settings: Configuration.Headers.Edits, transportSecurity: String? = nil) -> HeaderEdits? {
      guard !settings.isEmpty || transportSecurity != nil else { return nil }
      return HeaderEdits(
        set: settings.set.map { (name: $0.name, value: $0.value) }, remove: settings.remove,
        transportSecurity: transportSecurity)
    }
    return (
      edits(settings.headers.request),
      edits(settings.headers.response, transportSecurity: settings.transportSecurity?.text)
    )
  }

  private static func loadPages(
    _ files: [Configuration.OwnPage: String]
  ) throws(ConfigurationSnapshotError) -> [Configuration.OwnPage: [UInt8]] {
    var pages: [Configuration.OwnPage: [UInt8]] = [.maintenance: Array(maintenancePage.utf8)]
    for (page, path) in files {
      do throws(SystemError) {
        pages[page] = try File.contents(of: path, limit: Configuration.errorPageBytes)
      } catch {
        throw ConfigurationSnapshotError("error page \(path): \(error)")
      }
    }
    return pages
  }

  /// Where the configuration has no page of maintenance.
  private static let maintenancePage = """
    <!DOCTYPE html>
    <html lang="en">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Maintenance</title>
    <h1>Maintenance</h1>
    <p>This service is under maintenance. Please try again later.</p>
    </html>

    """

  /// The names accepted for each set of certificates. Another set's name is rejected: the client did not request it.
  private static func hosts(of front: ServerContext?, _ settings: Configuration.Service) -> [ServedHosts] {
    guard let front, let further = settings.requests.hosts else { return [] }
    let named = (settings.allNames + further).map(\.host)
    return front.nameSets.indices.map { set in
      // A certificate may also be valid for names of other services.
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
    // Half of the head may be request target, where that is more than the 8,000 bytes of RFC 9112 §3.
    limits = HeadLimits(
      bytes: settings.limits.headerBytes, fieldLines: settings.limits.headerFields,
      requestTarget: max(8_192, settings.limits.headerBytes / 2),
      allowsContentInGet: settings.requests.allowsContentInGet)
    retries = settings.retries
    requestsPerConnection = settings.limits.requestsPerConnection
    timeouts = settings.timeouts
    dropsTrailers = (
      request: !settings.headers.request.isEmpty,
      response: !settings.headers.response.isEmpty || settings.transportSecurity != nil
    )
  }
}

extension Balancing.Server {
  init(_ server: Configuration.Server) {
    self.init(name: server.name, weight: server.weight, isBackup: server.isBackup)
  }
}
