import Domain
import Wire

/// Days before its end from which a certificate is a warning: the first notice of the running service.
let noticeDays: UInt64 = 30

private func findings(_ facts: ConfigurationFacts, of check: String, whenFine text: String) -> [Finding] {
  let problems = facts.problems.map { problem in
    let verdict: Finding.Verdict = problem.isError ? .fault : problem.isUnchecked ? .unknown : .warning
    return Finding(check, "", verdict, problem.text, fix: problem.fix)
  }
  return problems.isEmpty ? [Finding(check, "", .ok, text)] : problems
}

func judgeConfiguration(_ facts: Facts) -> [Finding] {
  findings(facts.configuration, of: "configuration", whenFine: "\(facts.configuration.path) is accepted")
}

func judgeFiles(_ facts: Facts) -> [Finding] {
  switch facts.files {
  case .unknown(let reason): return [Finding("files", "", .unknown, reason)]
  case .found(let files):
    // What is wrong for every user stands in the line above.
    let known = Set(facts.configuration.problems.map(\.text))
    var own = files
    own.problems.removeAll { known.contains($0.text) }
    let fine =
      known.isEmpty ? "the user \(files.user) can use them" : "nothing else is wrong for the user \(files.user)"
    return findings(own, of: "files", whenFine: fine)
  }
}

func judgeCertificates(_ facts: Facts) -> [Finding] {
  facts.certificates.map { certificate in
    let end = certificate.notAfter
    let (check, name, text) = ("certificate", certificate.service, certificate.title)
    guard facts.time <= end else {
      return Finding(
        check, name, .fault, "\(text) has expired on \(end.date), and clients refuse it",
        fix: "replace the file, then `systemctl reload belvedere`")
    }
    let days = end.seconds(since: facts.time) / 86_400
    guard days >= noticeDays else {
      return Finding(
        check, name, .warning, "\(text) expires on \(end.date), in \(days) days",
        fix: "have it renewed; then replace the file and `systemctl reload belvedere`")
    }
    return Finding(check, name, .ok, "\(text) is valid until \(end.date)")
  }
}
