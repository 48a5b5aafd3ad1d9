/// The result of one check for one object: a server, a virtual router, a port.
package struct Finding: Hashable, Sendable, Encodable {
  /// What the finding means for the service.
  package enum Verdict: String, Sendable, Encodable, CaseIterable {
    case ok
    /// It serves, and something will go wrong or is unusual.
    case warning
    /// Clients are or will be affected.
    case fault
    /// The fact could not be found out; the text says why.
    case unknown = "not checked"
  }

  /// The check's name.
  package let check: String
  /// The object's name; empty for the machine or the service as a whole.
  package let subject: String
  package let verdict: Verdict
  package let text: String
  /// What to do; empty when there is nothing to do.
  package let fix: String

  package init(_ check: String, _ subject: String = "", _ verdict: Verdict, _ text: String, fix: String = "") {
    self.check = check
    self.subject = subject
    self.verdict = verdict
    self.text = text
    self.fix = fix
  }
}

/// A fact that may be unknown.
package enum Gathered<Value: Sendable>: Sendable {
  case found(Value)
  /// Why it could not be found out, for people.
  case unknown(String)
}

/// All findings about one node.
package struct Examination: Sendable, Encodable {
  /// The machine's host name.
  package let node: String
  package let version: String
  package let findings: [Finding]

  package init(node: String, version: String, findings: [Finding]) {
    self.node = node
    self.version = version
    self.findings = findings
  }

  /// The same with other texts, for a report without secrets.
  package func rewritten(_ rewrite: (String) -> String) -> Examination {
    let findings = findings.map { finding in
      Finding(
        finding.check, rewrite(finding.subject), finding.verdict, rewrite(finding.text), fix: rewrite(finding.fix))
    }
    return Examination(node: node, version: version, findings: findings)
  }

  /// The exit status, as monitoring plug-ins have it: 0 without problems, 1 with warnings, 2 with faults.
  package var exitStatus: Int32 {
    if findings.contains(where: { $0.verdict == .fault }) { return 2 }
    return findings.contains { $0.verdict == .warning } ? 1 : 0
  }
}
