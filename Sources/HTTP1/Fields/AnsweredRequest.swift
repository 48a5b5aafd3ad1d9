/// The properties of a request that are needed to parse its response.
public struct AnsweredRequest: BitwiseCopyable, Sendable {
  /// A response to HEAD has no body, whatever its fields state (RFC 9110 §9.3.2).
  public var isHead: Bool
  public var version: Version
  /// Whether the request was sent as an upgrade, so that 101 is allowed.
  public var upgradeRequested: Bool

  public init(isHead: Bool = false, version: Version = .http11, upgradeRequested: Bool = false) {
    self.isHead = isHead
    self.version = version
    self.upgradeRequested = upgradeRequested
  }

  /// For a request that is forwarded unchanged.
  public init(_ head: RequestHead) {
    self.init(isHead: head.method == .head, version: head.version, upgradeRequested: head.upgradeRequested)
  }
}
