import Domain
import Wire

/// A report as text: 80 columns, optionally coloured.
package struct StatusText {
  let report: StatusReport
  private let isColoured: Bool

  package init(_ report: StatusReport, isColoured: Bool) {
    self.report = report
    self.isColoured = isColoured
  }

  /// The maximum line length, without colour codes.
  package static let width = 80

  /// Ends with a newline.
  package var text: String { rendered([[title] + facts] + nodes + [routers, servers, problems()]) }

  /// One node's part of the report; nil if there is no such node.
  package func text(of node: String) -> String? {
    if report.isOwn(node) { return StatusText(report.withoutPair, isColoured: isColoured).text }
    return report.pair?.nodes.first { $0.name == node }.map(text)
  }

  func rendered(_ sections: [[PageLine]]) -> String {
    sections.filter { !$0.isEmpty }.map { section in
      section.map { $0.rendered(isColoured: isColoured) + "\n" }.joined()
    }.joined(separator: "\n")
  }

  // MARK: the service

  private var title: PageLine {
    var line = PageLine("belvedere \(report.version) on \(report.node): ", .bold)
    line.append(report.state.rawValue, report.state == .serving ? .good : .bad)
    return line
  }

  private var facts: [PageLine] {
    var rows =
      services + [
        ("running for", PageLine(processes)),
        ("configuration", PageLine(configuration)), ("connections", PageLine(connections)),
        ("requests", PageLine(requests)), ("clients", PageLine(clients)),
      ]
    if report.limits.flows > 0 { rows.append(("UDP flows", PageLine(flows))) }
    if let rates = report.limits.rates { rows.append(("a client may", PageLine(text(of: rates)))) }
    if !refused.isEmpty { rows.append(("refused", PageLine(refused))) }
    for certificate in report.certificates { rows.append(("certificate", line(of: certificate))) }
    rows += clientAuthorities.map { ("client CAs", $0) }
    for trace in report.traces { rows.append(("trace", PageLine(words(for: trace)))) }
    let label = rows.map(\.0.count).max() ?? 0
    return rows.flatMap { name, value in value.wrapped(after: name, indent: label + 4) }
  }

  private func words(for trace: StatusReport.Trace) -> String {
    let secrets = trace.hasSecrets ? ", with TLS secrets" : ""
    return "\(trace.subject), \(trace.secondsLeft) s left\(secrets), for \(trace.requester)"
  }

  private var services: [(String, PageLine)] {
    guard report.services.isEmpty else {
      return report.services.map { service in
        let words = service.names + [service.mode, "on " + service.listeners.joined(separator: ", ")]
        return (Self.shortened(service.name, 16), line(words.joined(separator: ", "), ofService: service.name))
      }
    }
    let mode = report.mode == "http" ? "" : ", \(report.mode)"
    return [
      ("service", line(report.service.joined(separator: ", ") + mode, ofService: "")),
      ("listens on", PageLine(report.listeners.joined(separator: ", "))),
    ]
  }

  /// Ends with `, in maintenance for 5 m` where that is so.
  private func line(_ words: String, ofService name: String) -> PageLine {
    var line = PageLine(words)
    guard let state = report.maintenance.first(where: { $0.service == name }) else { return line }
    let place = state.node.map { " (requested on \($0))" } ?? ""
    line.append(", ")
    line.append("in maintenance for \(Age(report.time.seconds(since: state.since)))\(place)", .doubtful)
    return line
  }

  private var processes: String {
    let age = Age(report.time.seconds(since: report.since))
    guard let worker = report.worker else { return "\(age) (process \(report.pid)), no worker" }
    return "\(age) (process \(report.pid)), its worker for "
      + "\(Age(report.time.seconds(since: worker.since))) (process \(worker.pid))"
  }

  private var configuration: String {
    let current = report.configuration
    let age = Age(report.time.seconds(since: current.since))
    let threads = Self.counted(current.threads, "thread")
    let earlier = (current.inMemory ?? 1) > 1 ? ", \((current.inMemory ?? 1) - 1) before it still in use" : ""
    return "\(current.number) for \(age), \(threads)\(earlier)"
  }

  /// Open connections, their limit and rate.
  package var connections: String {
    let traffic = report.traffic
    let rate = traffic.rates.map { ", \($0.connections) new a second" } ?? ""
    return "\(traffic.connections) of \(report.limits.connections)\(rate), \(traffic.accepted) in all"
  }

  /// Requests in progress, their rate and number.
  package var requests: String {
    let traffic = report.traffic
    let rate = traffic.rates.map { ", \($0.requests) new a second" } ?? ""
    return "\(traffic.exchanges) under way\(rate), \(traffic.requests) in all"
  }

  private var clients: String {
    "\(report.servers.reduce(0) { $0 &+ ($1.load?.clients ?? 0) }) of \(report.limits.clients) remembered"
  }

  private var flows: String {
    let (traffic, counts) = (report.traffic, report.traffic.datagrams)
    return "\(traffic.flows) of \(report.limits.flows), \(Self.counted(counts.relayed, "datagram")) relayed, "
      + "\(counts.dropped) dropped"
  }

  /// Each rate, with how often clients were above it.
  private func text(of rates: StatusReport.ClientRates) -> String {
    let counts = report.counters.limits
    let lines = [
      ("connect", rates.connections, counts.connectionRate), ("begin TLS", rates.handshakes, counts.handshakeRate),
      ("ask", rates.requests, counts.requestRate),
    ]
    let parts = lines.compactMap { verb, rate, count in
      rate.map { "\(verb) \($0)" + (count > 0 ? " (\(count) above)" : "") }
    }
    return parts.joined(separator: ", ") + (rates.isTrial ? "; on trial, nothing is refused" : "")
  }

  /// What was refused; empty if nothing was.
  package var refused: String {
    let refused = report.traffic.refused
    let counts = [
      (refused.connections, "connection"), (refused.handshakes, "handshake"), (refused.requests, "request"),
    ]
    var parts = counts.filter { $0.0 > 0 }.map(Self.counted)
    if refused.unroutable > 0 { parts.append("\(refused.unroutable) for want of a server") }
    let access = report.counters.services.reduce(UInt64(0)) { sum, service in
      let counts = service.counts.access
      return sum &+ counts.service &+ counts.path &+ counts.ambiguous
    }
    if access > 0 { parts.append("\(access) by access") }
    return parts.joined(separator: ", ")
  }

  /// For each service that asks for certificates of clients: whether they are required, the authorities, and what ends
  /// first.
  private var clientAuthorities: [PageLine] {
    Dictionary(grouping: report.authorities ?? [], by: \.service).sorted { $0.key < $1.key }.map { service, all in
      var line = PageLine(service.isEmpty ? "" : "\(service): ")
      line.append(all[0].isRequired ? "required" : "not required")
      for kind in ClientAuthority.Kind.allCases {
        let some = all.filter { $0.kind == kind }
        guard let first = some.first else { continue }
        let noun = kind == .authority ? "authority" : "revocation list"
        let several = kind == .authority ? "authorities" : "revocation lists"
        line.append("; " + (some.count == 1 ? "\(noun) \(first.subject), " : "\(some.count) \(several), the first "))
        line.append(endWords(of: first), mood(of: first))
        if some.count > 1 { line.append(" (\(first.subject))") }
      }
      return line
    }
  }

  private func endWords(of authority: ClientAuthority) -> String {
    guard let end = authority.end else { return "without end" }
    let left = end.seconds(since: report.time)
    return left == 0 ? "expired \(end.date)" : "until \(end.date), \(Age(left)) left"
  }

  /// Lists are replaced long before a certificate would be.
  package func mood(of authority: ClientAuthority) -> PageLine.Mood {
    guard let left = authority.end?.seconds(since: report.time) else { return .plain }
    if left == 0 { return .bad }
    return left < (authority.kind == .authority ? Self.soon : 86_400) ? .doubtful : .plain
  }

  private func line(of certificate: ServedCertificate) -> PageLine {
    let names = certificate.names.isEmpty ? certificate.subject : certificate.names.joined(separator: ", ")
    var line = PageLine(names + "; ")
    let left = certificate.notAfter.seconds(since: report.time)
    if left == 0 {
      line.append("expired \(certificate.notAfter.date)", .bad)
    } else {
      line.append("until \(certificate.notAfter.date), \(Age(left)) left", left < Self.soon ? .doubtful : .plain)
    }
    line.append("; serial \(certificate.serial); \(certificate.file)")
    return line
  }

  /// Certificates that expire within 14 days are highlighted.
  package static let soon: UInt64 = 14 * 86_400

  // MARK: problems

  /// The last warnings and errors under a heading; none if there were none.
  package func problems(width: Int = width) -> [PageLine] {
    guard !report.problems.isEmpty else { return [] }
    let rows = report.problems.map { problem in
      (
        "\(Age(report.time.seconds(since: problem.time))) ago",
        problem.count == 1 ? problem.text : "\(problem.text) (\(problem.count) times)"
      )
    }
    let label = rows.map(\.0.count).max() ?? 0
    let lines = rows.flatMap { age, text in PageLine(text).wrapped(after: age, indent: label + 4, width: width) }
    return [PageLine("last problems", .bold)] + lines
  }

  // MARK: servers

  private var servers: [PageLine] {
    guard !report.servers.isEmpty else { return [] }
    let heads = ["server", "state", "since", "sessions", "clients", "exchanges", "waiting"]
    return table(heads, report.servers.map(cells), moods: report.servers.map { Self.mood(of: $0.state) }) { index in
      PageLine(Self.details(of: report.servers[index], at: report.time))
    }
  }

  /// Rows below their headings, the second cell of each in the row's colour, and its details below it.
  func table(
    _ heads: [String], _ rows: [[String]], moods: [PageLine.Mood], details: (Int) -> PageLine
  ) -> [PageLine] {
    let widths = heads.indices.map { column in ([heads[column]] + rows.map { $0[column] }).map(\.count).max() ?? 0 }
    var lines = [PageLine(Self.row(heads, widths), .bold)]
    for (index, row) in rows.enumerated() {
      let text = Self.row(row, widths)
      let state = widths[0] + Self.gap..<widths[0] + Self.gap + row[1].count
      var line = PageLine(String(text.prefix(state.lowerBound)))
      line.append(row[1], moods[index])
      line.append(String(text.dropFirst(state.upperBound)))
      lines.append(line)
      lines += details(index).wrapped(after: "", indent: 4)
    }
    return lines
  }

  private func cells(of server: StatusReport.Server) -> [String] {
    [
      Self.shortened(String(server.parts.name), 16), server.$state,
      server.since.map { "\(Age(report.time.seconds(since: $0)))" } ?? "",
    ] + Self.figures(of: server)
  }

  private static func figures(of server: StatusReport.Server) -> [String] {
    guard let load = server.load else { return ["", "", "", ""] }
    return ["\(load.sessions)", "\(load.clients)", "\(load.exchanges)", "\(load.waiting)"]
  }

  private static func details(of server: StatusReport.Server, at now: WallTime) -> String {
    let service = server.parts.service.map { "service \($0), " } ?? ""
    var parts = ["\(service)\(server.address)" + (server.isRemoved ? ", removed" : "")]
    if let load = server.load {
      parts.append(counted(load.connections, "connection"))
      if load.flows > 0 { parts.append(counted(load.flows, "UDP flow")) }
    }
    if server.isBackup { parts.append("backup") }
    if server.weight != 1 || server.configuredWeight != 1 { parts.append("weight \(server.weight)") }
    if let percent = server.load?.weightPercent, percent < 100 {
      parts.append(percent == 0 ? "suspected: no new clients" : "slow start: \(percent) % of its weight")
    }
    if !server.names.isEmpty { parts.append("named " + server.names.joined(separator: ", ")) }
    if !server.ports.isEmpty { parts.append("ports " + server.ports.map(String.init).joined(separator: ", ")) }
    if !server.reason.isEmpty { parts.append(server.reason) }
    if let check = server.lastCheck {
      let pending =
        switch (check.isConfirming, check.isOutdated) {
        case (true, _): ""
        case (_, true): ", none with the present settings yet"
        case (_, false): ", \(check.count) of \(check.needed) needed"
        }
      parts.append(
        "last check \(Age(now.seconds(since: check.time))) ago: \(check.result) (\(check.milliseconds) ms)\(pending)")
      if check.certificate?.isShown == false { parts.append("another certificate than clients are shown") }
      if let end = check.certificate?.notAfter, end < now + .hours(30 * 24) {
        parts.append(
          end < now ? "its certificate has expired" : "its certificate expires in \(Age(end.seconds(since: now)))")
      }
    }
    if let admin = server.adminState {
      let place = admin.node.map { " on \($0)" } ?? ""
      parts.append("requested \(Age(now.seconds(since: admin.since))) ago\(place): \(admin)")
      if admin.weight != nil { parts.append("configured: weight \(server.configuredWeight)") }
    }
    return parts.joined(separator: "; ")
  }

  /// A server after a command, in one line: `view01: drain, 12 sessions left`.
  package static func line(of server: StatusReport.Server) -> String {
    var parts = ["\(server.name): \(server.$state)"]
    if let mode = server.adminState?.mode?.rawValue, mode != server.$state { parts.append("\(mode) requested") }
    if server.weight != server.configuredWeight {
      parts.append("weight \(server.weight), configured \(server.configuredWeight)")
    }
    if let load = server.load {
      let left = server.adminState?.mode == nil ? "" : " left"
      parts.append(counted(load.sessions, "session") + left)
    }
    return PageLine(parts.joined(separator: ", ")).rendered(isColoured: false)
  }

  /// How a server's state is shown.
  package static func mood(of state: ServerState?) -> PageLine.Mood {
    switch state {
    case .up: .good
    case .drain, .maintenance: .doubtful
    case .down: .bad
    case nil: .plain
    }
  }

  static let gap = 2

  /// Without trailing spaces.
  static func row(_ cells: [String], _ widths: [Int]) -> String {
    var text = cells.indices.map { column in
      cells[column] + String(repeating: " ", count: widths[column] - cells[column].count)
    }.joined(separator: String(repeating: " ", count: gap))
    while text.last == " " { text.removeLast() }
    return text
  }

  /// `1 session`, `2 sessions`.
  package static func counted(_ count: UInt64, _ thing: String) -> String {
    count == 1 ? "1 \(thing)" : "\(count) \(thing)s"
  }

  /// At most `limit` characters, the last one of which is `…` if the text has more.
  package static func shortened(_ text: String, _ limit: Int) -> String {
    text.count <= limit ? text : text.prefix(limit - 1) + "…"
  }
}
