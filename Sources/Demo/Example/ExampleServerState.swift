import Synchronization

/// The state shared by all connections of one example server, kept when it is killed and restarted.
package final class ExampleServerState: Sendable {
  package let site: ExampleSite
  private let draining = Atomic<Bool>(false)
  private let requestCount = Atomic<UInt64>(0)
  private let sessionID: @Sendable () -> String

  /// `sessionID` generates IDs of new sessions, which must be unique.
  package init(site: ExampleSite, sessionID: @escaping @Sendable () -> String) {
    self.site = site
    self.sessionID = sessionID
  }

  /// Whether the server's health check reports that it accepts no new clients.
  package var isDraining: Bool {
    get { draining.load(ordering: .relaxed) }
    set { draining.store(newValue, ordering: .relaxed) }
  }

  /// The number of valid requests, including health checks.
  package var requests: UInt64 { requestCount.load(ordering: .relaxed) }

  func countRequest() { requestCount.add(1, ordering: .relaxed) }

  func newSessionID() -> String { sessionID() }
}
