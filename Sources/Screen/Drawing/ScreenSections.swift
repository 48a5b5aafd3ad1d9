import Control
import Domain
import Wire

/// The body of the screen: the sections of the page for browsers, as lines.
struct ScreenSections {
  let report: StatusReport?
  let status: WatchedStatus
  let order: ServerOrder
  let width: Int
  let plots: PlotStyle

  init(_ status: WatchedStatus, _ order: ServerOrder, width: Int, _ plots: PlotStyle) {
    (self.status, report, self.order, self.width, self.plots) = (status, status.report, order, width, plots)
  }

  /// With an empty line between sections.
  var lines: [PageLine] {
    guard let report else { return [] }
    let text = StatusText(report, isColoured: false)
    let routers = routers(report)
    // In a pair, the nodes say who holds the address.
    let isFirst = report.pair == nil || report.routers.contains { !Self.remarks(of: $0).isEmpty }
    let sections = [
      figures(report, text), nodes(report), text.differences(width: wrapWidth), isFirst ? routers : [],
      services(report), servers(report), isFirst ? [] : routers, certificates(report), text.problems(width: wrapWidth),
    ]
    return Array(sections.filter { !$0.isEmpty }.joined(separator: [PageLine("")]))
  }

  /// A narrower screen cuts the lines.
  private var wrapWidth: Int { max(30, width) }

  // MARK: figures

  private func figures(_ report: StatusReport, _ text: StatusText) -> [PageLine] {
    let kept = report.servers.filter { !$0.isRemoved }
    let up = kept.count { $0.state == .up }
    let sessions = kept.reduce(0) { $0 &+ ($1.load?.sessions ?? 0) }
    let past = status.history.values
    var rows: [(label: String, text: String, plot: [Double?])] = [
      ("servers", "\(up) of \(kept.count) up", []),
      ("sessions", "\(sessions)", past.sessions.map { $0.map(Double.init) }),
      ("connections", text.connections, past.connections.map { $0.map(Double.init) }),
      ("requests", text.requests, past.requests),
    ]
    if report.traffic.refused != RefusedCounts() { rows.append(("refused", text.refused, [])) }
    let label = rows.reduce(0) { max($0, $1.label.count) } + Self.gap
    let longest = rows.reduce(0) { max($0, $1.plot.isEmpty ? 0 : $1.text.count) }
    let room = min(ReportHistory.limit, width - label - longest - Self.gap)
    return rows.map { row in
      var line = PageLine(row.label + String(repeating: " ", count: label - row.label.count))
      line.append(row.text, row.label == "servers" ? (up == kept.count ? .good : .bad) : .plain)
      guard room >= Self.leastPlot, !row.plot.isEmpty else { return line }
      let padding = String(repeating: " ", count: longest - row.text.count + Self.gap)
      line.append(padding + plots.plot(row.plot, width: room), .good)
      return line
    }
  }

  private static let gap = 2
  /// A plot with fewer columns shows nothing.
  private static let leastPlot = 8

  // MARK: the pair

  private func nodes(_ report: StatusReport) -> [PageLine] {
    guard let pair = report.pair else { return [] }
    let nodes = pair.nodes
    let roles = nodes.map { node in
      guard node.answers else { return "" }
      return node.routers.map { router in
        router.state.rawValue + (router.state == .active ? ", holds \(addresses(of: router.name, report))" : "")
      }.joined(separator: "; ")
    }
    let priorities = nodes.map { $0.answers ? $0.routers.map { "\($0.priority)" }.joined(separator: ", ") : "" }
    let table = ScreenTable(
      [
        .init("node", nodes.map { $0.name + ($0.name == pair.node ? " (this)" : "") }, importance: 0),
        .init("state", nodes.map { $0.answers ? ("answers", .good) : ("does not answer", .bad) }, importance: 0),
        .init("virtual address", roles, importance: 1, least: 30),
        .init("priority", priorities, importance: 4, isNumber: true),
        .init("sessions", nodes.map { $0.sessions.map(String.init) ?? "" }, importance: 2, isNumber: true),
        .init("connections", nodes.map { $0.connections.map(String.init) ?? "" }, importance: 6, isNumber: true),
        .init("version", nodes.map { $0.version ?? "" }, importance: 5),
        .init("heard", nodes.map { $0.name == pair.node ? "" : "\(age(of: $0.heard)) ago" }, importance: 3),
      ], width: width)
    return table.lines { index in
      table.shows("virtual address") || roles[index].isEmpty
        ? [] : PageLine(roles[index]).wrapped(after: "", indent: 4, width: wrapWidth)
    }
  }

  private func addresses(of router: String, _ report: StatusReport) -> String {
    report.routers.first { $0.name == router }?.addresses.joined(separator: ", ") ?? router
  }

  private func routers(_ report: StatusReport) -> [PageLine] {
    guard !report.routers.isEmpty else { return [] }
    let routers = report.routers
    let remarks = routers.map(Self.remarks)
    let table = ScreenTable(
      [
        .init("virtual router", routers.map { StatusText.shortened($0.name, 17) }, importance: 0),
        .init("state", routers.map { ($0.state.rawValue, StatusText.mood(of: $0)) }, importance: 0),
        .init("since", routers.map { "\(age(of: $0.since))" }, importance: 3, isNumber: true),
        .init(
          "addresses",
          routers.map { $0.addresses.joined(separator: ", ") + ($0.holdsAddresses ? " (here)" : " (not here)") },
          importance: 1, least: 16),
        .init(
          "priority",
          routers.map {
            $0.priority == $0.configuredPriority ? "\($0.priority)" : "\($0.priority) of \($0.configuredPriority)"
          },
          importance: 2, isNumber: true),
        .init(
          "peer",
          routers.map { router in
            router.peer.map { "\($0.address), priority \($0.priority), heard \(age(of: $0.heard)) ago" } ?? "none heard"
          }, importance: 4),
      ], width: width)
    return table.lines { PageLine(remarks[$0], .bad).wrapped(indent: 4, width: wrapWidth) }
  }

  private static func remarks(of router: StatusReport.Router) -> String {
    var remarks: [String] = []
    if let other = router.duplicateActive { remarks.append("\(other) is active as well") }
    if let peer = router.unheardPeer { remarks.append("advertisements of \(peer) do not arrive") }
    return (remarks + router.faults + router.priorityReductions).joined(separator: ", ")
  }

  // MARK: services and certificates

  private func services(_ report: StatusReport) -> [PageLine] {
    guard !report.services.isEmpty else { return [] }
    let services = report.services
    let ups = services.map { service in
      let own = report.servers.filter { !$0.isRemoved && $0.parts.service.map(String.init) == service.name }
      let up = own.count { $0.state == .up }
      return ("\(up) of \(own.count)", up == own.count ? PageLine.Mood.good : .bad)
    }
    return ScreenTable(
      [
        .init("service", services.map { StatusText.shortened($0.name, 16) }, importance: 0),
        .init("servers up", ups, importance: 0),
        .init("mode", services.map(\.mode), importance: 2),
        .init("names", services.map { $0.names.joined(separator: ", ") }, importance: 1, least: 16),
        .init("listens on", services.map { $0.listeners.joined(separator: ", ") }, importance: 3),
      ], width: width
    ).lines()
  }

  private func certificates(_ report: StatusReport) -> [PageLine] {
    guard !report.certificates.isEmpty else { return [] }
    let certificates = report.certificates
    let expiry = certificates.map { certificate -> (String, PageLine.Mood) in
      let left = certificate.notAfter.seconds(since: report.time)
      if left == 0 { return ("has expired", .bad) }
      return ("\(StatusText.counted(left / 86_400, "day")) left", left < StatusText.soon ? .doubtful : .good)
    }
    return ScreenTable(
      [
        .init(
          "certificate", certificates.map { $0.names.isEmpty ? $0.subject : $0.names.joined(separator: ", ") },
          importance: 0, least: 16),
        .init("expires", expiry, importance: 0),
        .init("on", certificates.map(\.notAfter.date), importance: 1),
        .init("file", certificates.map(\.file), importance: 2),
      ], width: width
    ).lines()
  }

  /// The time since this one, at the time of the report.
  func age(of time: WallTime) -> Age { Age(report?.time.seconds(since: time) ?? 0) }
}

extension PageLine {
  /// No line for one without text.
  func wrapped(indent: Int, width: Int) -> [PageLine] {
    count == 0 ? [] : wrapped(after: "", indent: indent, width: width)
  }
}
