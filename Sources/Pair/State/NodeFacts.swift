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
  package var certificates: [NodeCertificate] = []
  package var servers: [NodeServer] = []
  package var findings: [NodeFinding] = []

  /// A section of the configuration.
  package struct Section: Hashable, Sendable {
    package var name: String
    package var digest: UInt64

    package init(name: String, digest: UInt64) {
      self.name = name
      self.digest = digest
    }
  }

  package init(release: String, since: WallTime) {
    self.release = release
    self.since = since
  }
}
