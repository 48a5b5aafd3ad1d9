import Domain
import Wire

/// The virtual routers' part of the status page.
extension StatusText {
  var routers: [PageLine] {
    guard !report.routers.isEmpty else { return [] }
    let heads = ["virtual router", "state", "since", "priority"]
    let rows = report.routers.map { router in
      [
        Self.shortened(router.name, 17), router.state.rawValue, "\(Age(report.time.seconds(since: router.since)))",
        "\(router.priority)" + (router.priority == router.configuredPriority ? "" : " of \(router.configuredPriority)"),
      ]
    }
    var lines = table(heads, rows, moods: report.routers.map { Self.mood(of: $0) }) { index in
      Self.details(of: report.routers[index], at: report.time)
    }
    if report.timers.late > 0 {
      let text =
        "\(report.timers.late) timers were late, by \(report.timers.worst) ms at most: the machine is overloaded"
      lines += PageLine(text, .doubtful).wrapped(after: "", indent: 4)
    }
    return lines
  }

  private static func details(of router: StatusReport.Router, at now: WallTime) -> PageLine {
    var line = PageLine("")
    if let duplicateActive = router.duplicateActive {
      line.append("\(duplicateActive) is active as well: firewall (protocol 112), multicast, switch?", .bad)
      line.append("; ")
    }
    if let peer = router.unheardPeer {
      line.append(
        "no advertisements pass between this node and \(peer): firewall (protocol 112), multicast, switch?", .bad)
      line.append("; ")
    }
    let reasons = router.faults.isEmpty ? router.priorityReductions : router.faults
    if !reasons.isEmpty {
      line.append(reasons.joined(separator: ", "), router.faults.isEmpty ? .doubtful : .bad)
      line.append("; ")
    }
    var parts = [
      router.addresses.joined(separator: ", ") + " on \(router.interface)"
        + (router.holdsAddresses ? ", leased for \(router.lease) s" : "")
    ]
    if let peer = router.peer {
      let age = Age(now.seconds(since: peer.heard))
      parts.append("peer \(peer.address) with priority \(peer.priority), heard \(age) ago")
    } else {
      parts.append("no peer heard")
    }
    let rejected = router.rejected.map { "\($0.count) rejected for \($0.kind)" }
    parts.append(
      (["advertisements: \(router.sent) sent", "\(router.received) received"] + rejected).joined(separator: ", "))
    let times = router.becameActive == 1 ? "once" : "\(router.becameActive) times"
    if router.becameActive > 0 { parts.append("became active \(times)") }
    line.append(parts.joined(separator: "; "))
    return line
  }

  /// How a virtual router's state is shown.
  package static func mood(of router: StatusReport.Router) -> PageLine.Mood {
    switch router.state {
    case .active: router.duplicateActive == nil && router.unheardPeer == nil ? .good : .bad
    case .backup where router.unheardPeer != nil: .bad
    case .backup: router.priorityReductions.isEmpty ? .good : .doubtful
    case .initialize: .plain
    case .fault: .bad
    }
  }
}
