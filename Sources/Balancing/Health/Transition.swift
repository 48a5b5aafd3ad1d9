import Domain

/// A change of a server's state, or of its reason: one line in the log.
public struct Transition: Hashable, Sendable, CustomStringConvertible {
  /// Nil when the state was not known before.
  public let from: ServerState?
  public let to: ServerState
  public let reason: Reason

  public init(from: ServerState?, to: ServerState, reason: Reason) {
    self.from = from
    self.to = to
    self.reason = reason
  }

  /// The cause of a transition.
  public enum Reason: Hashable, Sendable, CustomStringConvertible {
    /// This many consecutive checks have passed.
    case checksPassed(Int)
    /// This many consecutive checks have failed; the failure of the last one.
    case checksFailed(Int, last: CheckFailure)
    /// The server answers 503.
    case disabled
    /// Set by an administrator.
    case administrative
    /// The administrative state was cleared before the first check.
    case unchecked

    public var description: String {
      switch self {
      case .checksPassed(1): "health check passed"
      case .checksPassed(let count): "\(count) health checks in a row passed"
      case .checksFailed(1, let last): "health check failed: \(last)"
      case .checksFailed(let count, let last): "\(count) health checks in a row failed, the last one: \(last)"
      case .disabled: "health check answered 503, the server is administratively disabled"
      case .administrative: "administratively"
      case .unchecked: "no health check is in yet"
      }
    }
  }

  public var description: String {
    switch from {
    case nil: "\(to): \(reason)"
    case to: "still \(to): \(reason)"
    case let from?: "\(to), was \(from): \(reason)"
    }
  }
}
