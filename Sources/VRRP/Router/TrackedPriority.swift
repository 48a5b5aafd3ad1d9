import Domain
import Wire

/// A condition that a virtual router's priority depends on: whether servers are up, a link, a script.
package struct Track: Hashable, Sendable {
  /// As status and log have it: `servers`, `link eth1`, `script gateway`.
  package var name: String
  package var weight: TrackWeight
  /// How long it has to be good again before that counts. Bad counts at once.
  package var recovery: Interval

  package init(name: String, weight: TrackWeight, recovery: Interval) {
    self.name = name
    self.weight = weight
    self.recovery = recovery
  }
}

/// The priority that follows from the conditions, and whether the node takes part at all.
///
/// The first report of a condition counts at once. Later ones with hysteresis: bad at once, good only when it has been
/// good for `recovery`, so that what flaps stays bad.
package struct TrackedPriority: Sendable {
  /// What is known of one condition.
  private enum Standing: Hashable {
    case unknown
    case good
    case bad
    /// Good again, and counted as good from then on.
    case recovering(until: Instant)

    var countsAsGood: Bool { self == .good }
  }

  /// Without any condition.
  package let configured: UInt8
  package let tracks: [Track]
  private var standings: [Standing]

  /// Nothing is reported of any track yet.
  package init(configured: UInt8, tracks: [Track]) {
    self.configured = configured
    self.tracks = tracks
    standings = tracks.map { _ in .unknown }
  }

  /// Takes a report about the track at an index of `tracks`.
  package mutating func report(_ index: Int, isGood: Bool, at now: Instant) {
    switch (standings[index], isGood) {
    case (.unknown, true), (.good, true): standings[index] = .good
    case (_, false): standings[index] = .bad
    case (.bad, true): standings[index] = .recovering(until: now + tracks[index].recovery)
    case (.recovering, true): break
    }
    advance(to: now)
  }

  /// Lets time pass.
  package mutating func advance(to now: Instant) {
    for (index, standing) in standings.enumerated() {
      if case .recovering(let until) = standing, now >= until { standings[index] = .good }
    }
  }

  /// When time alone changes something next.
  package var deadline: Instant? {
    standings.compactMap { if case .recovering(let until) = $0 { until } else { nil } }.min()
  }

  /// The configured priority with all weights, 1 to 254. An owner's stays 255.
  package var effective: UInt8 {
    guard configured < 255 else { return configured }
    var sum = Int(configured)
    for (track, standing) in zip(tracks, standings) {
      guard case .priority(let weight) = track.weight else { continue }
      if standing.countsAsGood == (weight > 0) { sum += weight }
    }
    return UInt8(min(max(sum, Int(VirtualRouter.leastPriority)), 254))
  }

  /// The names of conditions that keep the node from taking part: bad ones that mean giving up, and any that nothing
  /// is known of yet.
  package var faults: [String] {
    zip(tracks, standings).compactMap { track, standing in
      if standing == .unknown { return track.name }
      return track.weight == .giveUp && !standing.countsAsGood ? track.name : nil
    }
  }

  /// The names of conditions that lower the priority now.
  package var priorityReductions: [String] {
    zip(tracks, standings).compactMap { track, standing in
      guard case .priority = track.weight, !standing.countsAsGood else { return nil }
      return track.name
    }
  }
}
