import Domain

/// A server's change of state, or of what keeps it there: one line in the log.
public struct Transition: Hashable, Sendable, CustomStringConvertible {
  /// Nil when nothing was known before.
  public let from: ServerState?
  public let to: ServerState
  public let reason: Reason

  public init(from: ServerState?, to: ServerState, reason: Reason) {
    self.from = from
    self.to = to
    self.reason = reason
  }

  /// What a transition follows from.
  public enum Reason: Hashable, Sendable, CustomStringConvertible {
    /// This many checks in a row.
    case checksPassed(Int)
    /// The last of this many checks in a row that failed.
    case checksFailed(Int, last: CheckFailure)
    /// The server answers 503.
    case disabled
    /// An operator wants it so.
    case administrative
    /// An administrative state was taken back before the first check.
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
