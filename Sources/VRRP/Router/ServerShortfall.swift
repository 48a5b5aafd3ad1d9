import Wire

/// Whether this node has reached fewer servers than another node for so long that it counts: a condition for the
/// priority.
///
/// The nodes notice the failure of a server at different times, so a shortfall counts after `delay`. From then on it
/// counts until there has been none for `recovery`, also because nothing is known of the other node: if a server, or the
/// connection of the pair, comes and goes, the addresses do not come and go with it.
package struct ServerShortfall: Hashable, Sendable {
  /// What the latest comparison has shown.
  package enum Event: Hashable, Sendable {
    /// Another node reaches more servers.
    case fewer
    /// None is known to do so.
    case asMany
  }

  /// Whether it counts, and since when it is otherwise.
  package enum State: Hashable, Sendable {
    case none
    /// There is one since this time, which does not count yet.
    case begun(Instant)
    case counting
    /// It still counts, and there is none since this time.
    case ending(Instant)
  }

  package private(set) var state = State.none
  /// How long there must be one until it counts.
  package var delay: Interval
  /// How long there must be none until it no longer counts.
  package let recovery: Interval

  package init(delay: Interval, recovery: Interval) {
    self.delay = delay
    self.recovery = recovery
  }

  /// Handles a comparison, which is made at regular intervals, and returns the condition to report, if it has changed.
  package mutating func handle(_ event: Event, at now: Instant) -> Bool? {
    switch (state, event) {
    case (.none, .fewer): state = .begun(now)
    case (.begun, .asMany): state = .none
    case (.begun(let since), .fewer) where now >= since + delay:
      state = .counting
      return false
    case (.counting, .asMany): state = .ending(now)
    case (.ending, .fewer): state = .counting
    case (.ending(let since), .asMany) where now >= since + recovery:
      state = .none
      return true
    case (.none, .asMany), (.begun, .fewer), (.counting, .fewer), (.ending, .asMany): break
    }
    return nil
  }
}
