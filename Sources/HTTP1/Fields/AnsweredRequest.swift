/// What must be known of a request to understand its answer.
public struct AnsweredRequest: BitwiseCopyable, Sendable {
  /// The answer to HEAD has no body whatever its fields say (RFC 9110 §9.3.2).
  public var isHead: Bool
  public var version: Version
  /// Whether the request went out as an upgrade, so that 101 may be answered.
  public var upgradeRequested: Bool

  public init(isHead: Bool = false, version: Version = .http11, upgradeRequested: Bool = false) {
    self.isHead = isHead
    self.version = version
    self.upgradeRequested = upgradeRequested
  }

  /// Of a request that goes out as it came.
  public init(_ head: RequestHead) {
    self.init(isHead: head.method == .head, version: head.version, upgradeRequested: head.upgradeRequested)
  }
}
