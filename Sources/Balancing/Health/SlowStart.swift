import Domain
import Wire

/// When a server came back, and how much of its weight counts for new clients since. A server that starts with the
/// process is not one that comes back.
public struct SlowStart: Sendable {
  /// All of a weight, in parts.
  public static let whole = 256

  /// When it was up again after it had been down or in maintenance; nil when it never was.
  public private(set) var began: Instant?
  private var isAway = false

  public init() {}

  /// The server's state is this from now on; `hasTakenClients`: at some time.
  mutating func became(_ state: ServerState, hasTakenClients: Bool, at now: Instant) {
    switch state {
    case .down, .maintenance: isAway = hasTakenClients
    // One that is started answers 503 first.
    case .drain: break
    case .up:
      if isAway { began = now }
      isAway = false
    }
  }

  /// The parts of its weight that count for a server that came back then: from one to all of them, in proportion to the time.
  public static func share(began: Instant, lasting duration: Interval, at now: Instant) -> Int {
    let elapsed = now - began
    guard elapsed < duration else { return whole }
    return Int(truncatingIfNeeded: elapsed.nanoseconds / (duration.nanoseconds / UInt64(whole) + 1)) + 1
  }
}
