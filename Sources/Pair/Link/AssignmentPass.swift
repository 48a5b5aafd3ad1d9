import Wire

/// The reading of this node's tables for the other node, in pieces: at joining all of it, and later, from time to time,
/// the clients that were active here meanwhile.
struct AssignmentPass: Sendable {
  private enum Step: Sendable {
    case due(Instant)
    case ready(position: UInt64)
    case asked
  }

  /// Loops read the clock at the beginning of a turn.
  private static let overlap = Interval.seconds(1)

  private let refresh: Interval
  private var step = Step.ready(position: 0)
  private var started: Instant
  /// Nil in the first pass.
  private var activeSince: Instant?
  private var hasMissed = false

  /// The first pass begins now; the others follow at intervals of `refresh`.
  init(refresh: Interval, at now: Instant) {
    self.refresh = refresh
    started = now
  }

  /// Begins a pass that is due.
  mutating func advance(to now: Instant) {
    guard case .due(let time) = step, now >= time else { return }
    activeSince = started - AssignmentPass.overlap
    started = now
    hasMissed = false
    step = .ready(position: 0)
  }

  /// Asks for the next piece, if it is time for one.
  mutating func ask() -> PairLink.Effect? {
    guard case .ready(let position) = step else { return nil }
    step = .asked
    return .copy(from: position, activeSince: activeSince)
  }

  /// A piece was read; returns whether it was the last one of the first pass.
  mutating func copied(next: UInt64?) -> Bool {
    guard case .asked = step else { return false }
    if let next {
      step = .ready(position: next)
      return false
    }
    step = .due(started + (hasMissed ? PairLink.Pace.leastRefresh : refresh))
    return activeSince == nil
  }

  /// Changes could not be sent: the next pass, which has them, comes early.
  mutating func missChanges() {
    hasMissed = true
    if case .due(let time) = step { step = .due(min(time, started + PairLink.Pace.leastRefresh)) }
  }
}
