import Domain
import Wire

/// A condition that affects a virtual router's priority: the state of servers, a link or a script.
package struct Track: Hashable, Sendable {
  /// The name in status output and log: `servers`, `link eth1`, `script gateway`.
  package var name: String
  package var weight: TrackWeight
  /// How long it must be good again before it counts as good. Bad counts at once.
  package var recovery: Interval
  /// Whether the node can serve while it is bad: it does not lower the priority to that of a node that cannot.
  package var canServe: Bool

  package init(name: String, weight: TrackWeight, recovery: Interval, canServe: Bool = false) {
    self.name = name
    self.weight = weight
    self.recovery = recovery
    self.canServe = canServe
  }
}

/// The effective priority computed from the conditions, and whether the node takes part at all.
///
/// The first report of a condition counts at once. Later ones have hysteresis: bad counts at once, good only after it
/// has been good for `recovery`, so that a flapping condition stays bad.
package struct TrackedPriority: Sendable {
  /// The state of one condition.
  private enum Condition: Hashable {
    case unknown
    case good
    case bad
    /// Good again; counts as good from this time on.
    case recovering(until: Instant)

    var countsAsGood: Bool { self == .good }
  }

  /// The priority without any condition.
  package let configured: UInt8
  package let tracks: [Track]
  private var conditions: [Condition]

  /// No track has a report yet.
  package init(configured: UInt8, tracks: [Track]) {
    self.configured = configured
    self.tracks = tracks
    conditions = tracks.map { _ in .unknown }
  }

  /// A report about the track at an index of `tracks`.
  package mutating func report(_ index: Int, isGood: Bool, at now: Instant) {
    switch (conditions[index], isGood) {
    case (.unknown, true), (.good, true): conditions[index] = .good
    case (_, false): conditions[index] = .bad
    case (.bad, true): conditions[index] = .recovering(until: now + tracks[index].recovery)
    case (.recovering, true): break
    }
    advance(to: now)
  }

  /// Ends recoveries that are due.
  package mutating func advance(to now: Instant) {
    for (index, condition) in conditions.enumerated() {
      if case .recovering(let until) = condition, now >= until { conditions[index] = .good }
    }
  }

  /// The end of the next recovery.
  package var deadline: Instant? {
    conditions.compactMap { if case .recovering(let until) = $0 { until } else { nil } }.min()
  }

  /// The configured priority plus all weights, 1 to 254. An owner's priority is always 255.
  package var effective: UInt8 {
    guard configured < 255 else { return configured }
    let least = Int(VirtualRouter.leastPriority)
    let sum = min(max(Int(configured) + weights(canServe: false), least), 254)
    return UInt8(min(max(sum + weights(canServe: true), min(sum, least + 1)), 254))
  }

  private func weights(canServe: Bool) -> Int {
    zip(tracks, conditions).reduce(0) { sum, entry in
      guard case .priority(let weight) = entry.0.weight, entry.0.canServe == canServe,
        entry.1.countsAsGood == (weight > 0)
      else { return sum }
      return sum + weight
    }
  }

  /// The names of conditions that prevent the node from taking part: bad ones whose effect is to give up, and those
  /// without a report.
  package var faults: [String] {
    zip(tracks, conditions).compactMap { track, condition in
      if condition == .unknown { return track.name }
      return track.weight == .giveUp && !condition.countsAsGood ? track.name : nil
    }
  }

  /// The names of conditions that lower the priority.
  package var priorityReductions: [String] {
    zip(tracks, conditions).compactMap { track, condition in
      guard case .priority = track.weight, !condition.countsAsGood else { return nil }
      return track.name
    }
  }
}
