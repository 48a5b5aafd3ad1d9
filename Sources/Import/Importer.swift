/// Turns the files of HAProxy and keepalived into a configuration.
package enum Importer {
  /// What an import has led to.
  package struct Outcome: Sendable {
    /// The configuration; nil if haproxy.cfg has no service that could be written.
    package let text: String?
    /// Every word of the files in their order.
    package let findings: [Finding]
    /// What a person has to fill in, beside what findings say.
    package let remarks: [String]

    package init(text: String?, findings: [Finding], remarks: [String]) {
      self.text = text
      self.findings = findings
      self.remarks = remarks
    }

    /// Whether a person has to decide or fill in something.
    package var needsPerson: Bool { text == nil || !remarks.isEmpty || findings.contains { $0.verdict.needsPerson } }
  }

  /// The same files and options give the same outcome.
  package static func run(haproxy: SourceFile, keepalived: SourceFile? = nil, _ options: ImportOptions) -> Outcome {
    let proxies = HAProxyImport(haproxy, options)
    let routers = keepalived.map { KeepalivedImport($0, options, proxies.ledger) }
    let findings = (routers?.ledger ?? proxies.ledger).findings
    let remarks = (proxies.remarks + (routers?.remarks ?? [])).map(Printable.line)
    guard !proxies.drafts.isEmpty else { return Outcome(text: nil, findings: findings, remarks: remarks) }
    let text = ConfigurationText(proxies.drafts, shared: proxies.shared, routers: routers?.node)
    let files = [haproxy.path] + (keepalived.map { [$0.path] } ?? [])
    return Outcome(
      text: text.text(head: head(of: files, findings, remarks)), findings: findings, remarks: remarks)
  }

  private static func head(of files: [String], _ findings: [Finding], _ remarks: [String]) -> [String] {
    var lines = ["Imported from \(files.joined(separator: " and ")). docs/configuration.md describes every key."]
    let open = findings.filter(\.verdict.needsPerson)
    guard !open.isEmpty || !remarks.isEmpty else { return lines }
    lines.append("Still to be decided:")
    lines += remarks.map { "- \($0)" } + open.map { "- \($0.text)" }
    return lines
  }
}
