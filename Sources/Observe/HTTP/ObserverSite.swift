import Control
import Wire

/// What is answered to each request, from the last status report. Pure.
///
/// A text is made once for each report and format, whatever the number of requests.
package struct ObserverSite {
  /// A report that is older is not shown as the present state: the service sends one every second.
  static let currentFor = Interval.seconds(5)

  private let version: String
  /// Nil: every request is answered.
  private let token: [UInt8]?
  private var latest: (report: StatusReport, at: Instant)?
  private var texts: [Exposition.Format: [UInt8]] = [:]
  /// Whether `texts` are those of the report.
  private var textsAreCurrent = false

  /// Without a report. `version`: this binary's. `token`: what a request must have; nil: nothing.
  package init(version: String, token: [UInt8]?) {
    self.version = version
    self.token = token
  }

  /// Takes over a report.
  package mutating func update(_ report: StatusReport, at now: Instant) {
    latest = (report, now)
    texts = [:]
  }

  /// The answer. `isAdmitted`: whether the client's address may be answered.
  package mutating func answer(_ request: ObserverRequest, isAdmitted: Bool, at now: Instant) -> ObserverAnswer {
    guard isAdmitted else {
      return .failure(.forbidden, "this address is not in `networks` of `observe`")
    }
    guard isAuthorized(request) else { return .failure(.unauthorized) }
    switch request.path {
    case "/metrics":
      let format = MediaRange.format(accepting: request.accept)
      return .ok(text(format, at: now), as: format.mediaType)
    default: return .failure(.notFound, "metrics are at /metrics")
    }
  }

  private func isAuthorized(_ request: ObserverRequest) -> Bool {
    guard let token else { return true }
    return request.authorization.flatMap(Authorization.token)?.isEqualInConstantTime(to: token) == true
  }

  private mutating func text(_ format: Exposition.Format, at now: Instant) -> [UInt8] {
    let report = latest.flatMap { now - $0.at <= Self.currentFor ? $0.report : nil }
    if textsAreCurrent != (report != nil) { texts = [:] }
    textsAreCurrent = report != nil
    if let text = texts[format] { return text }
    let text = Array(Exposition(report, version: version).text(format).utf8)
    texts[format] = text
    return text
  }
}
