import Synchronization

/// What all connections of one example server share, over its deaths and returns.
package final class ExampleServerState: Sendable {
  package let site: ExampleSite
  private let draining = Atomic<Bool>(false)
  private let requestCount = Atomic<UInt64>(0)
  private let sessionID: @Sendable () -> String

  /// `sessionID` makes the identifiers of new sessions; no two of them may be the same.
  package init(site: ExampleSite, sessionID: @escaping @Sendable () -> String) {
    self.site = site
    self.sessionID = sessionID
  }

  /// Whether the server says of itself that no new clients should come.
  package var isDraining: Bool {
    get { draining.load(ordering: .relaxed) }
    set { draining.store(newValue, ordering: .relaxed) }
  }

  /// Requests understood so far, health checks included.
  package var requests: UInt64 { requestCount.load(ordering: .relaxed) }

  func countRequest() { requestCount.add(1, ordering: .relaxed) }

  func newSessionID() -> String { sessionID() }
}
