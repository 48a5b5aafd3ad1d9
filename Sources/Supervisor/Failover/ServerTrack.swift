import Configuration
import Domain
import Logging
import Pair
import VRRP
import Wire

/// A condition of a virtual router that compares what this node and the others reach (`fewer-servers`). Pure: time is a
/// parameter.
struct ServerTrack {
  /// The index in the virtual router's `tracks`.
  let track: Int
  /// By how many servers another node must be ahead.
  let margin: Int
  var shortfall: ServerShortfall

  /// The least time for which another node must be ahead of an Active. A change is sent within a second.
  static let leastDelay = Interval.seconds(5)

  static func all(of plan: RouterPlan) -> [ServerTrack] {
    plan.router.tracks.enumerated().compactMap { offset, track in
      guard case .servers(fewerBy: let margin) = track.subject else { return nil }
      return ServerTrack(
        track: RouterPlan.Condition.allCases.count + offset, margin: margin,
        shortfall: ServerShortfall(delay: leastDelay, recovery: track.recovery))
    }
  }
}

extension VirtualRouters {
  /// Nothing is known of other nodes yet.
  mutating func startServerTracks(at now: Instant) {
    for index in instances.indices {
      for track in instances[index].serverTracks.map(\.track) {
        perform(routerSet.handle(.track(track, isGood: true), for: index, at: now), at: now)
      }
    }
  }

  /// Takes what this node reaches, and what the others that answer have reported last. Called twice a second.
  ///
  /// `delay` is for an Active: nothing moves when a Backup lowers its priority, and one that has just started is not to
  /// take the addresses from a node that reaches more.
  mutating func compare(
    _ own: [NodeService], with others: [(name: String, vitals: NodeVitals)], delay: Interval, at now: Instant
  ) {
    for index in instances.indices {
      for trackIndex in instances[index].serverTracks.indices {
        let margin = instances[index].serverTracks[trackIndex].margin
        let ahead = others.first { other in
          couldTakeOver(other.vitals, from: index) && own.reachesFewer(than: other.vitals.services, by: margin)
        }
        let isActive = routerSet.routers[index].role == .active
        let least = isActive ? max(delay, ServerTrack.leastDelay) : .zero
        instances[index].serverTracks[trackIndex].shortfall.delay = least
        note(ahead?.name, index, trackIndex, at: now)
      }
    }
  }

  /// `ahead`: a node that reaches more servers.
  private mutating func note(_ ahead: String?, _ index: Int, _ trackIndex: Int, at now: Instant) {
    let event = ahead == nil ? ServerShortfall.Event.asMany : .fewer
    guard let isGood = instances[index].serverTracks[trackIndex].shortfall.handle(event, at: now) else { return }
    if let ahead { log(index, .warning, "\(ahead) reaches more servers than this node") }
    let track = instances[index].serverTracks[trackIndex].track
    perform(routerSet.handle(.track(track, isGood: isGood), for: index, at: now), at: now)
  }

  /// Whether a node takes part in the election of the virtual router at an index.
  private func couldTakeOver(_ vitals: NodeVitals, from index: Int) -> Bool {
    let role = counterpart(of: index, among: vitals.routers)?.role
    return role == .backup || role == .active
  }
}
