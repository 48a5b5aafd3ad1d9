/// What must be known of a request to understand its answer.
package struct AnsweredRequest: BitwiseCopyable, Sendable {
  /// The answer to HEAD has no body whatever its fields say (RFC 9110 §9.3.2).
  package var isHead: Bool
  package var version: Version
  /// Whether the request went out as an upgrade, so that 101 may be answered.
  package var upgradeRequested: Bool

  package init(isHead: Bool = false, version: Version = .http11, upgradeRequested: Bool = false) {
    self.isHead = isHead
    self.version = version
    self.upgradeRequested = upgradeRequested
  }

  package init(_ head: RequestHead) {
    self.init(isHead: head.method == .head, version: head.version, upgradeRequested: head.upgradeRequested)
  }
}
