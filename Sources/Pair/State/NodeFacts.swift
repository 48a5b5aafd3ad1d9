import Domain
import Wire

/// What a node sends to the others about itself when it joins, and after each change. Lists longer than their limits are
/// truncated.
package struct NodeFacts: Hashable, Sendable {
  package static let sectionLimit = 1024
  package static let certificateLimit = 1024
  package static let serverLimit = 1024
  package static let findingLimit = 64
  /// Maximum size of the encoded bytes: all lists at their limits with the longest names.
  package static let byteLimit = 1 << 19

  package var release: String
  /// Since when it runs.
  package var since: WallTime
  /// A digest of each section of the configuration, without what may differ between nodes.
  package var sections: [Section] = []
  package var certificates: [Certificate] = []
  package var servers: [Server] = []
  package var findings: [Finding] = []

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
    /// Nil before the first health check, and where a later release has further states.
    package var state: ServerState?

    package init(name: String, state: ServerState?) {
      self.name = name
      self.state = state
    }
  }

  /// Something that is wrong on the node, as its supervisor knows without asking anything: for `belvedere doctor` on
  /// another one.
  package struct Finding: Hashable, Sendable {
    /// The check's name there, `configuration`.
    package var check: String
    /// The object's name; empty for the node as a whole.
    package var subject: String
    /// Whether clients are or will be affected; else it is a warning.
    package var isFault: Bool
    /// At most 255 bytes are sent.
    package var text: String

    package init(_ check: String, _ subject: String = "", isFault: Bool, _ text: String) {
      self.check = check
      self.subject = subject
      self.isFault = isFault
      self.text = text
    }
  }

  package init(release: String, since: WallTime) {
    self.release = release
    self.since = since
  }
}
