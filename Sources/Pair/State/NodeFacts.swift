import Domain
import Wire

/// What a node tells the others of itself. Lists longer than their limits are truncated.
package struct NodeFacts: Hashable, Sendable {
  package static let sectionLimit = 64
  package static let certificateLimit = 1024
  package static let serverLimit = 1024
  package static let routerLimit = 256

  package var release: String
  /// Its wall clock when this was sent.
  package var wall: WallTime
  /// Since when it runs.
  package var since: WallTime
  package var sessions: UInt64 = 0
  package var connections: UInt64 = 0
  /// A digest of each section of the configuration, without what may differ between nodes.
  package var sections: [Section] = []
  package var certificates: [Certificate] = []
  package var servers: [Server] = []
  package var routers: [Router] = []

  /// A section of the configuration.
  package struct Section: Hashable, Sendable {
    package var name: String
    package var digest: UInt64

    package init(name: String, digest: UInt64) {
      self.name = name
      self.digest = digest
    }
  }

  /// A certificate that is presented to clients.
  package struct Certificate: Hashable, Sendable {
    /// The service's name, empty if it has none.
    package var service: String
    package var fingerprint: Fingerprint
    package var notAfter: WallTime

    package init(service: String, fingerprint: Fingerprint, notAfter: WallTime) {
      self.service = service
      self.fingerprint = fingerprint
      self.notAfter = notAfter
    }
  }

  /// A Connection Server as the node sees it.
  package struct Server: Hashable, Sendable {
    /// Its full name.
    package var name: String
    /// Nil before the first health check.
    package var state: ServerState?
    package var adminState: AdminState?

    package init(name: String, state: ServerState?, adminState: AdminState?) {
      self.name = name
      self.state = state
      self.adminState = adminState
    }
  }

  /// A virtual router of the node.
  package struct Router: Hashable, Sendable {
    package var name: String
    package var role: VirtualRouterRole

    package init(name: String, role: VirtualRouterRole) {
      self.name = name
      self.role = role
    }
  }

  package init(release: String, wall: WallTime, since: WallTime) {
    self.release = release
    self.wall = wall
    self.since = since
  }
}
