import Domain
import TLS
import Wire

/// Which certificates are about to expire, and whether that has been reported: 30, 14, 7 and 1 days ahead, once each,
/// and once a day after expiry. Pure: time is a parameter.
package struct ExpiryWatch: Sendable {
  /// A certificate in use.
  package struct Subject: Equatable, Sendable {
    let names: [String]
    let place: Place
    let fingerprint: Fingerprint
    let notAfter: WallTime
  }

  /// Whose certificate it is.
  package enum Place: Equatable, Sendable {
    /// Presented to clients; the file that has it.
    case file(String)
    /// Of `belvedere observe`; the file that has it.
    case observer(String)
    /// Of a server, by its name.
    case server(String)
    /// An authority of clients; the file that has it.
    case clientAuthority(String)
    /// A revocation list of such an authority, and for how many seconds it is valid in all.
    case revocationList(String, period: UInt64)
  }

  /// The report about a certificate.
  package enum Notice: Equatable, Sendable {
    case ending(Subject, daysLeft: UInt64)
    case ended(Subject)
  }

  private enum Notified {
    /// Reported with fewer than this many days left.
    case within(days: UInt64)
    case ended(at: WallTime)
  }

  static let day: UInt64 = 86_400
  /// Days ahead, in ascending order.
  private static let thresholds: [UInt64] = [1, 7, 14, 30]
  /// A certificate may have hundreds of names; a log line lists this many.
  private static let namesShown = 4

  private var notified: [Fingerprint: Notified] = [:]

  /// Starts with nothing reported.
  package init() {}

  /// The reports due for these certificates at `time`. The state of other certificates is dropped.
  package mutating func notices(of subjects: [Subject], at time: WallTime) -> [Notice] {
    let shown = Set(subjects.map(\.fingerprint))
    notified = notified.filter { shown.contains($0.key) }
    return subjects.compactMap { notice(of: $0, at: time) }
  }

  private mutating func notice(of subject: Subject, at time: WallTime) -> Notice? {
    guard time <= subject.notAfter else {
      // If the clock was set back since the last report, it is repeated now.
      if case .ended(let last) = notified[subject.fingerprint], last <= time, time.seconds(since: last) < Self.day {
        return nil
      }
      notified[subject.fingerprint] = .ended(at: time)
      return .ended(subject)
    }
    let left = subject.notAfter.seconds(since: time)
    guard let threshold = Self.threshold(of: left, for: subject) else { return nil }
    if case .within(let days) = notified[subject.fingerprint], days <= threshold { return nil }
    notified[subject.fingerprint] = .within(days: threshold)
    return .ending(subject, daysLeft: left / Self.day)
  }

  /// The report for a certificate, regardless of earlier ones.
  static func notice(of subject: Subject, at time: WallTime) -> Notice? {
    if time > subject.notAfter { return .ended(subject) }
    let left = subject.notAfter.seconds(since: time)
    return threshold(of: left, for: subject) == nil ? nil : .ending(subject, daysLeft: left / day)
  }

  /// The smallest threshold that covers this many seconds. A revocation list is replaced long before a certificate
  /// would be: it is reported in its last day, or in the last quarter of its time if that is shorter.
  private static func threshold(of left: UInt64, for subject: Subject) -> UInt64? {
    if case .revocationList(_, let period) = subject.place { return left <= min(day, period / 4) ? 1 : nil }
    return thresholds.first { left <= $0 * day }
  }

  /// A report as text, for the log or for a position in the file.
  package static func text(of notice: Notice, namingFile: Bool = true) -> String {
    switch notice {
    case .ending(let subject, let days):
      let time = days == 0 ? "in less than a day" : days == 1 ? "in 1 day" : "in \(days) days"
      let title = title(of: subject, namingFile)
      return switch subject.place {
      case .file: "\(title) expires \(time); \(advice)"
      case .observer: "\(title) expires \(time); \(adviceForObserver)"
      case .server(let name): "the certificate of server \(name) expires \(time); renew it there"
      case .clientAuthority: "the authority of clients \(title) expires \(time); \(advice)"
      case .revocationList: "the revocation list of \(title) expires \(time); \(adviceForLists)"
      }
    case .ended(let subject):
      let title = title(of: subject, namingFile)
      return switch subject.place {
      case .file: "\(title) has expired and clients refuse it; \(advice)"
      case .observer: "\(title) has expired and clients refuse it; \(adviceForObserver)"
      case .server(let name): "the certificate of server \(name) has expired; renew it there"
      case .clientAuthority: "the authority of clients \(title) has expired and its clients are refused; \(advice)"
      case .revocationList:
        "the revocation list of \(title) has expired and its clients are refused; \(adviceForLists)"
      }
    }
  }

  private static let advice = "renew it, then run 'systemctl reload belvedere'"
  private static let adviceForObserver = "renew it, then run 'systemctl restart belvedere-observe'"
  private static let adviceForLists = "fetch the next one, then run 'systemctl reload belvedere'"

  private static func title(of subject: Subject, _ namesFile: Bool) -> String {
    var names = subject.names.prefix(namesShown).joined(separator: ", ")
    if subject.names.count > namesShown { names += " and \(subject.names.count - namesShown) more" }
    if names.isEmpty { names = "no name" }
    switch subject.place {
    case .file(let file), .observer(let file): return "the certificate for \(names)" + (namesFile ? " in \(file)" : "")
    case .server: return names
    case .clientAuthority(let file), .revocationList(let file, _): return names + (namesFile ? " in \(file)" : "")
    }
  }
}

extension ExpiryWatch.Subject {
  /// From a loaded certificate.
  package init(_ pair: CertificatePair) {
    self.init(
      names: pair.facts.names + pair.facts.addresses, place: .file(pair.origin), fingerprint: pair.facts.fingerprint,
      notAfter: pair.facts.notAfter)
  }

  /// The certificate of `belvedere observe`.
  package init(ofObserver pair: CertificatePair) {
    self.init(
      names: pair.facts.names + pair.facts.addresses, place: .observer(pair.origin),
      fingerprint: pair.facts.fingerprint, notAfter: pair.facts.notAfter)
  }

  /// An authority whose clients are accepted, from this file.
  package init(_ facts: CertificateFacts, in file: String) {
    self.init(
      names: ["\(facts)"], place: .clientAuthority(file), fingerprint: facts.fingerprint, notAfter: facts.notAfter)
  }

  /// A revocation list from this file; nil if it does not end.
  package init?(_ list: RevocationList, in file: String) {
    guard let end = list.nextUpdate else { return nil }
    let period = end > list.thisUpdate ? end.seconds(since: list.thisUpdate) : 0
    self.init(
      names: [list.issuer], place: .revocationList(file, period: period), fingerprint: list.fingerprint, notAfter: end)
  }

  /// The certificate of a server.
  package init(_ facts: CertificateFacts, of server: String) {
    self.init(names: [], place: .server(server), fingerprint: facts.fingerprint, notAfter: facts.notAfter)
  }
}
