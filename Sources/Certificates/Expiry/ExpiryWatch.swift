import Domain
import TLS
import Wire

/// Which certificates are about to end, and whether that has been told: at 30, 14, 7 and 1 days ahead, once each, and
/// once a day after the end. Knows no clock; whoever asks says the time.
package struct ExpiryWatch: Sendable {
  /// A certificate that clients are shown.
  package struct Subject: Equatable, Sendable {
    let names: [String]
    let file: String
    let fingerprint: Fingerprint
    let notAfter: WallTime
  }

  /// What is to be said of a certificate.
  package enum Notice: Equatable, Sendable {
    case ending(Subject, daysLeft: UInt64)
    case ended(Subject)
  }

  private enum Told {
    /// That fewer than so many days were left.
    case within(days: UInt64)
    case ended(at: WallTime)
  }

  static let day: UInt64 = 86_400
  /// Days ahead, the nearest first.
  private static let thresholds: [UInt64] = [1, 7, 14, 30]
  /// A certificate may carry hundreds of names; a log line shows this many.
  private static let namesShown = 4

  private var told: [Fingerprint: Told] = [:]

  /// Nothing has been told yet.
  package init() {}

  /// What is to be said of these certificates at `time`, and has not been said before. One that is not
  /// among them any more is forgotten.
  package mutating func notices(of subjects: [Subject], at time: WallTime) -> [Notice] {
    let shown = Set(subjects.map(\.fingerprint))
    told = told.filter { shown.contains($0.key) }
    return subjects.compactMap { notice(of: $0, at: time) }
  }

  private mutating func notice(of subject: Subject, at time: WallTime) -> Notice? {
    guard time <= subject.notAfter else {
      // A clock that was set back since makes no long silence.
      if case .ended(let last) = told[subject.fingerprint], last <= time, time.seconds(since: last) < Self.day {
        return nil
      }
      told[subject.fingerprint] = .ended(at: time)
      return .ended(subject)
    }
    let left = subject.notAfter.seconds(since: time)
    guard let threshold = Self.threshold(of: left) else { return nil }
    if case .within(let days) = told[subject.fingerprint], days <= threshold { return nil }
    told[subject.fingerprint] = .within(days: threshold)
    return .ending(subject, daysLeft: left / Self.day)
  }

  /// What would be said of a certificate if nothing had been yet.
  static func notice(of subject: Subject, at time: WallTime) -> Notice? {
    if time > subject.notAfter { return .ended(subject) }
    let left = subject.notAfter.seconds(since: time)
    return threshold(of: left) == nil ? nil : .ending(subject, daysLeft: left / day)
  }

  /// The nearest of the days ahead that so many seconds lie within.
  private static func threshold(of left: UInt64) -> UInt64? { thresholds.first { left <= $0 * day } }

  /// A notice in words, for the log or for where the file has been named already.
  package static func text(of notice: Notice, namingFile: Bool = true) -> String {
    switch notice {
    case .ending(let subject, let days):
      let time = days == 0 ? "in less than a day" : days == 1 ? "in 1 day" : "in \(days) days"
      return "\(title(of: subject, namingFile)) expires \(time); \(advice)"
    case .ended(let subject):
      return "\(title(of: subject, namingFile)) has expired and clients refuse it; \(advice)"
    }
  }

  private static let advice = "renew it, then run 'systemctl reload belvedere'"

  private static func title(of subject: Subject, _ namesFile: Bool) -> String {
    var names = subject.names.prefix(namesShown).joined(separator: ", ")
    if subject.names.count > namesShown { names += " and \(subject.names.count - namesShown) more" }
    if names.isEmpty { names = "no name" }
    return namesFile ? "the certificate for \(names) in \(subject.file)" : "the certificate for \(names)"
  }
}

extension ExpiryWatch.Subject {
  /// A certificate that was loaded.
  package init(_ pair: CertificatePair) {
    self.init(
      names: pair.facts.names + pair.facts.addresses, file: pair.origin, fingerprint: pair.facts.fingerprint,
      notAfter: pair.facts.notAfter)
  }
}
