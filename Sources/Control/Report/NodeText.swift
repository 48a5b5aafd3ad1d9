import Domain
import Wire

/// The nodes of a pair in the status page: each of the others beside this one, and what differs.
extension StatusText {
  private static let labelWidth = 16
  private static let columnWidth = (width - labelWidth) / 2 - gap

  var nodes: [[PageLine]] {
    guard let pair = report.pair, let own = pair.nodes.first else { return [] }
    return pair.nodes.dropFirst().map { $0.answers ? columns(own, $0) : silence(of: $0) } + [differences()]
  }

  /// A page about another node alone.
  func text(of node: StatusReport.Node) -> String {
    var title = PageLine("belvedere\(node.version.map { " \($0)" } ?? "") on \(node.name)", .bold)
    title.append(", seen from \(report.pair?.node ?? report.node): ")
    title.append(node.answers ? "answers" : "does not answer", node.answers ? .good : .bad)
    let rows = cells(of: node) + node.servers.map { (label: $0.name, text: $0.$state) }
    let label = rows.map { min($0.label.count, Self.labelWidth) }.max() ?? 0
    let lines = rows.flatMap { row in
      PageLine(row.text).wrapped(after: Self.shortened(row.label, Self.labelWidth), indent: label + 4)
    }
    let known = node.version == nil ? [] : lines
    return rendered([[title] + known, node.answers ? [] : silence(of: node)])
  }

  private func columns(_ own: StatusReport.Node, _ other: StatusReport.Node) -> [PageLine] {
    let (mine, theirs) = (lines(of: own, beside: other), lines(of: other, beside: own))
    var labels = mine.map(\.label)
    labels += theirs.map(\.label).filter { !labels.contains($0) }
    let (left, right) = (Dictionary(mine) { $1 }, Dictionary(theirs) { $1 })
    let rows = labels.map { [$0, left[$0] ?? "", right[$0] ?? ""] }
    let widths = [Self.labelWidth, Self.columnWidth, Self.columnWidth]
    let texts = ([["node", own.name + " (this node)", other.name]] + rows).map { cells in
      Self.row(zip(cells, widths).map { Self.shortened($0, $1) }, widths)
    }
    return texts.enumerated().map { PageLine($1, $0 == 0 ? .bold : .plain) }
  }

  /// With the servers that are not up on both.
  private func lines(
    of node: StatusReport.Node, beside other: StatusReport.Node
  ) -> [(label: String, text: String)] {
    let up = Set(node.servers.filter { $0.state == .up }.map(\.name))
      .intersection(other.servers.filter { $0.state == .up }.map(\.name))
    return cells(of: node) + node.servers.filter { !up.contains($0.name) }.map { ($0.name, $0.$state) }
  }

  private func cells(of node: StatusReport.Node) -> [(label: String, text: String)] {
    var rows = [
      (label: "version", text: node.version ?? ""),
      ("running for", node.since.map { "\(Age(report.time.seconds(since: $0)))" } ?? ""),
      ("sessions", node.sessions.map(String.init) ?? ""), ("connections", node.connections.map(String.init) ?? ""),
    ]
    rows += node.routers.map { ($0.name, "\($0.state.rawValue), priority \($0.priority)") }
    rows += node.services.map {
      ($0.name.isEmpty ? "servers" : "servers of \($0.name)", "\($0.healthy) of \($0.servers) reached")
    }
    let certificates = Dictionary(grouping: node.certificates, by: \.service).sorted { $0.key < $1.key }
    for (service, list) in certificates {
      for (number, certificate) in list.enumerated() {
        let label = ["certificate", number == 0 ? "" : "\(number + 1)", service].filter { !$0.isEmpty }
        let text = "\("\(certificate.fingerprint)".prefix(8)) until \(certificate.notAfter.date)"
        rows.append((label.joined(separator: " "), text))
      }
    }
    return rows
  }

  private func silence(of node: StatusReport.Node) -> [PageLine] {
    let time = node.heard.description.dropFirst(11).prefix(8)
    let date = node.heard.date == report.time.date ? "" : "\(node.heard.date) "
    let text = "\(node.name) has not answered since \(date)\(time) UTC (\(Age(report.time.seconds(since: node.heard))))"
    return PageLine(text, .bad).wrapped(after: "", indent: 0)
  }

  /// What differs between the nodes under a heading; none if nothing does.
  package func differences(width: Int = width) -> [PageLine] {
    guard let differences = report.pair?.differences, !differences.isEmpty else { return [] }
    return [PageLine("differences", .bold)]
      + differences.flatMap { PageLine($0.text, .doubtful).wrapped(after: "", indent: 2, width: width) }
  }
}
