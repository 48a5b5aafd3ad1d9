import Domain
import Wire

/// When a server came back, and the share of its weight for new clients since then. The first time that a server is up
/// does not count as coming back.
public struct SlowStart: Sendable {
  /// The number of parts of a full weight.
  public static let whole = 256

  /// When it was last up again after being down or in maintenance; nil when it never was.
  public private(set) var began: Instant?
  private var isAway = false

  public init() {}

  /// Updates the server's state; `hasTakenClients`: whether it has ever been up.
  mutating func became(_ state: ServerState, hasTakenClients: Bool, at now: Instant) {
    switch state {
    case .down, .maintenance: isAway = hasTakenClients
    // A server that is starting answers 503 first.
    case .drain: break
    case .up:
      if isAway { began = now }
      isAway = false
    }
  }

  /// The parts of its weight that a server has after it came back at `began`: from one to all of them, in proportion to
  /// the elapsed time.
  public static func share(began: Instant, lasting duration: Interval, at now: Instant) -> Int {
    let elapsed = now - began
    guard elapsed < duration else { return whole }
    return Int(truncatingIfNeeded: elapsed.nanoseconds / (duration.nanoseconds / UInt64(whole) + 1)) + 1
  }
}
