import Wire

/// The findings as text in columns: verdict, check and object, text; under it, what to do.
package struct ExaminationText {
  private let examination: Examination
  private let width: Int

  /// `width`: the longest line, where words permit.
  package init(_ examination: Examination, width: Int = 100) {
    self.examination = examination
    self.width = width
  }

  /// Ends with a newline.
  package var text: String {
    let rows = examination.findings.map { finding in
      ([finding.check] + (finding.subject.isEmpty ? [] : [finding.subject])).joined(separator: " ")
    }
    let column = min(rows.map(\.count).max() ?? 0, 32)
    var lines = ["belvedere \(examination.version) on \(examination.node): \(summary)", ""]
    for (finding, title) in zip(examination.findings, rows) {
      let head = "  " + finding.verdict.rawValue.padded(to: 13) + title.padded(to: column + 2)
      lines += wrapped(finding.text, after: head)
      if !finding.fix.isEmpty { lines += wrapped("→ " + finding.fix, after: "", indent: head.count) }
    }
    return lines.map { $0.escapingControls() + "\n" }.joined()
  }

  private var summary: String {
    func count(_ verdict: Finding.Verdict, _ one: String, _ many: String) -> String? {
      let number = examination.findings.count { $0.verdict == verdict }
      return number == 0 ? nil : "\(number) \(number == 1 ? one : many)"
    }
    let parts = [count(.fault, "fault", "faults"), count(.warning, "warning", "warnings")].compactMap { $0 }
    let checked = parts.isEmpty ? "no problem found" : parts.joined(separator: ", ")
    return [checked, count(.unknown, "check was not possible", "checks were not possible")].compactMap { $0 }
      .joined(separator: "; ")
  }

  private func wrapped(_ text: String, after head: String, indent: Int? = nil) -> [String] {
    let indent = indent ?? head.count
    var lines: [String] = []
    var line = head.padded(to: indent)
    var isStart = true
    for word in text.split(separator: " ") {
      if !isStart, line.count + 1 + word.count > width {
        lines.append(line)
        line = String(repeating: " ", count: indent)
        isStart = true
      }
      line += (isStart ? "" : " ") + word
      isStart = false
    }
    return lines + [line]
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String { self + String(repeating: " ", count: max(0, count - self.count)) }
}
