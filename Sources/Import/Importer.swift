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
    /// What Belvedere does differently where the files say nothing, and need not be changed.
    package let notes: [String]
    /// The files that the configuration expects in another folder.
    package let copies: [RelocatedFiles.Copy]

    package init(
      text: String?, findings: [Finding], remarks: [String], notes: [String] = [], copies: [RelocatedFiles.Copy] = []
    ) {
      self.text = text
      self.findings = findings
      self.remarks = remarks
      self.notes = notes
      self.copies = copies
    }

    /// Whether a person has to decide or fill in something.
    package var needsPerson: Bool { text == nil || !remarks.isEmpty || findings.contains { $0.verdict.needsPerson } }
  }

  /// The same files and options give the same outcome. `others`: keepalived.conf of other nodes.
  package static func run(
    haproxy: SourceFile, keepalived: SourceFile? = nil, others: [NodeFile] = [], _ options: ImportOptions
  ) -> Outcome {
    let proxies = HAProxyImport(haproxy, options)
    let routers = keepalived.map { KeepalivedImport($0, others: others, options, proxies.ledger) }
    let findings = (routers?.ledger ?? proxies.ledger).findings
    let remarks = (proxies.remarks + (routers?.remarks ?? [])).map(Printable.line)
    guard !proxies.drafts.isEmpty else { return Outcome(text: nil, findings: findings, remarks: remarks) }
    var relocated = RelocatedFiles(folder: options.certificates)
    let drafts = proxies.drafts.map { relocated.rename($0) }
    let text = ConfigurationText(drafts, shared: proxies.shared, routers: routers?.node)
    // Without those of other nodes: the text is the same on all of them.
    let files = [haproxy.path] + (keepalived.map { [$0.path] } ?? [])
    return Outcome(
      text: text.text(head: head(of: files, findings, remarks, proxies.notes)), findings: findings, remarks: remarks,
      notes: proxies.notes, copies: relocated.copies)
  }

  private static func head(
    of files: [String], _ findings: [Finding], _ remarks: [String], _ notes: [String]
  ) -> [String] {
    var lines = ["Imported from \(files.joined(separator: " and ")). docs/configuration.md describes every key."]
    lines += notes.map { "Other than HAProxy: \($0)." }
    let open = findings.filter(\.verdict.needsPerson)
    guard !open.isEmpty || !remarks.isEmpty else { return lines }
    lines.append("Still to be decided:")
    lines += remarks.map { "- \($0)" } + open.map { "- \($0.text)" }
    return lines
  }
}
