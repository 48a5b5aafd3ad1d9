import Domain
import Simulation
import Wire

@testable import VRRP

/// Random faults in a simulated network, and their repair.
///
/// Times are in units of the advertisement interval, so that a pair at 10 ms meets as many events as one at a second.
struct RandomFaults {
  /// The settings that all nodes of a simulation share.
  struct Site: CustomStringConvertible {
    var version = VRRPVersion.v3
    var priorities: [UInt8]
    var interval: UInt16 = 100
    var preempts = true
    /// In intervals.
    var preemptDelay: UInt64 = 0
    var isKeyed = false

    var description: String {
      "version \(version.rawValue), priorities \(priorities), interval \(interval) cs, "
        + "\(preempts ? "preempting after \(preemptDelay)" : "not preempting")\(isKeyed ? ", keyed" : "")"
    }

    /// Random settings.
    init(using random: inout SeededGenerator) {
      version = Int.random(in: 0..<3, using: &random) == 0 ? .v2 : .v3
      let count = Int.random(in: 2...3, using: &random)
      priorities = (0..<count).map { _ in .random(in: 90...101, using: &random) }
      // The usual pair, the largest difference of two nodes, and equal priorities.
      switch Int.random(in: 0..<6, using: &random) {
      case 0: priorities = [101, 100]
      case 1: priorities = [254, 1]
      case 2: priorities = [UInt8](repeating: 100, count: count)
      default: break
      }
      interval = version == .v2 ? 100 : [1, 10, 100, 100].randomElement(using: &random) ?? 100
      preempts = Int.random(in: 0..<4, using: &random) > 0
      preemptDelay = Bool.random(using: &random) ? 0 : .random(in: 1...8, using: &random)
      isKeyed = Int.random(in: 0..<3, using: &random) == 0
    }

    init(priorities: [UInt8]) { self.priorities = priorities }

    var unit: Interval { .centiseconds(UInt64(interval)) }
    func units(_ count: UInt64) -> Interval { Interval(nanoseconds: unit.nanoseconds * count) }

    /// The nodes, not started.
    var nodes: [SimulatedNode] {
      priorities.enumerated().map { index, priority in
        let servers = Track(name: "servers", weight: .priority(-253), recovery: units(2))
        let worker = Track(name: "worker", weight: .giveUp, recovery: units(2))
        var settings = VirtualRouterSettings(
          identifier: 51, priority: priority, addresses: [virtual("192.0.2.100")])
        settings.version = version
        settings.interval = unit
        settings.preempts = preempts
        settings.preemptDelay = units(preemptDelay)
        let key = KeyedAuthentication.Key(identifier: 1, bytes: Array(0..<32))
        return SimulatedNode(
          index: index, settings, tracks: [servers, worker],
          keyed: isKeyed ? KeyedAuthentication.Settings(mode: .enforce, keys: [key], window: nil) : nil)
      }
    }

    /// When a repaired network has exactly one Active at the latest. Until then the following may happen one after the
    /// other: a hand-over without a successor, a condition that recovers, the end of the previous Active's
    /// advertisements, preemption by a better node.
    var bound: Interval {
      let silence = nodes[0].settings.activeDownInterval(priority: 1, activeInterval: unit)
      let handOver = VirtualRouter.Pace.handOverBound(version)
      return Interval(
        nanoseconds: units(preemptDelay + 2).nanoseconds + 2 * silence.nanoseconds + handOver.nanoseconds
          + Interval.milliseconds(100).nanoseconds)
    }
  }

  let site: Site

  /// The time for packets of a link to arrive in order.
  var calm: Interval { Interval(nanoseconds: site.unit.nanoseconds / 8) }

  /// Applies one random fault.
  func strike(_ network: inout SimulatedNetwork) {
    let node = Int.random(in: network.nodes.indices, using: &network.random)
    switch Int.random(in: 0..<14, using: &network.random) {
    case 0, 1: cut(&network)
    case 2:
      network.faults.loss = .random(in: 0...60, using: &network.random)
      network.faults.duplication = .random(in: 0...50, using: &network.random)
      network.faults.delay = any(in: 0...2, &network) + .milliseconds(1)
    case 3, 4:
      network.freeze(node)
      network.make(.thaw, of: node, after: any(in: 0...8, &network))
    case 5, 6:
      if network.chance(30) { network.release(node) } else { network.kill(node, keepsAddress: network.chance(50)) }
      network.make(.boot, of: node, after: any(in: 0...8, &network))
    case 7:
      network.tell(node, .stop)
      network.make(.boot, of: node, after: any(in: 0...8, &network))
    case 8: network.tell(node, .failOver(for: any(in: 1...20, &network)))
    case 9: network.tell(node, .failBack)
    case 10:
      let track = Int.random(in: 0...1, using: &network.random)
      network.make(.report(track: track, isGood: false), of: node)
      network.make(.report(track: track, isGood: true), of: node, after: any(in: 0...6, &network))
    case 11:
      network.make(.source(isThere: false), of: node)
      network.make(.source(isThere: true), of: node, after: any(in: 0...6, &network))
    case 12:
      // A clock that is set back before the first signature of a process looks like a replay, as does one that starts
      // behind.
      let least = network.nodes[node].channel.sent > 0 ? -4000 : 0
      network.nodes[node].jump(seconds: .random(in: least...4000, using: &network.random), at: network.now)
    default:
      network.nodes[node].lateness = any(in: 0...1, &network)
    }
  }

  private func any(in range: ClosedRange<UInt64>, _ network: inout SimulatedNetwork) -> Interval {
    let whole = UInt64.random(in: range, using: &network.random)
    return site.units(whole) + Interval(nanoseconds: .random(in: 0..<site.unit.nanoseconds, using: &network.random))
  }

  /// Partitions the nodes, cuts each direction at random, or reconnects all.
  private func cut(_ network: inout SimulatedNetwork) {
    let indices = network.nodes.indices
    let sides = indices.map { _ in Bool.random(using: &network.random) }
    let kind = Int.random(in: 0..<3, using: &network.random)
    for from in indices {
      for to in indices {
        network.faults.filtered[from][to] = network.chance(20)
        let isCut = kind == 0 ? sides[from] != sides[to] : kind == 1 && network.chance(40)
        network.faults.cut[from][to] = isCut
      }
    }
  }

  /// Repairs everything: starts stopped nodes, resumes frozen ones, ends every withdrawal.
  func heal(_ network: inout SimulatedNetwork) {
    let indices = network.nodes.indices
    network.faults = SimulatedNetwork.LinkFaults(
      delay: calm, cut: [[Bool]](repeating: [Bool](repeating: false, count: indices.count), count: indices.count),
      filtered: [[Bool]](repeating: [Bool](repeating: false, count: indices.count), count: indices.count))
    for node in indices {
      network.forgetPlans(of: node)
      network.nodes[node].lateness = .zero
      network.make(.thaw, of: node)
      network.make(.boot, of: node)
      network.make(.source(isThere: true), of: node)
      for track in 0...1 { network.make(.report(track: track, isGood: true), of: node) }
      network.tell(node, .failBack)
    }
  }
}

extension Interval {
  fileprivate static func + (left: Interval, right: Interval) -> Interval {
    Interval(nanoseconds: left.nanoseconds + right.nanoseconds)
  }
}
