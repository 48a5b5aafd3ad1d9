import Control
import Wire

/// What is answered to each request, from the last status report. Pure.
///
/// A text is made once for each report and format, whatever the number of requests.
package struct ObserverSite {
  /// A report that is older is not shown as the present state: the service sends one every second.
  static let currentFor = Interval.seconds(5)
  /// How long the last report is shown after the service's connection has ended, which may be connecting again.
  static let reconnectTime = Interval.seconds(1)

  private let version: String
  /// Nil: every request is answered.
  private let token: [UInt8]?
  /// When the certificate that this is shown with expires; nil without TLS.
  private let certificateEnd: WallTime?
  private var latest: (report: StatusReport, until: Instant)?
  private var texts: [Exposition.Format: [UInt8]] = [:]
  /// What a new page gets; nil: not made yet.
  private var opening: [UInt8]?
  /// Whether `texts` and `opening` are those of the report.
  private var textsAreCurrent = false
  /// The last hour.
  private var history = ReportHistory(step: .seconds(30))

  /// Without a report. `version`: this binary's. `token`: what a request must have; nil: nothing. `certificateEnd`: when
  /// the certificate of https expires.
  package init(version: String, token: [UInt8]?, certificateEnd: WallTime? = nil) {
    self.version = version
    self.token = token
    self.certificateEnd = certificateEnd
  }

  /// Takes over a report. Returns what is sent to every open page; `isShown`: there is one.
  package mutating func update(_ report: StatusReport, at now: Instant, isShown: Bool) -> [UInt8] {
    latest = (report, now + Self.currentFor)
    (texts, opening) = ([:], nil)
    let isNewSample = history.note(report, at: now)
    guard isShown else { return [] }
    return (isNewSample ? Self.message("past", history.json) : []) + Self.message("report", report.json)
  }

  /// The service's connection has ended.
  package mutating func handleEndOfReports(at now: Instant) {
    guard let last = latest else { return }
    latest = (last.report, min(last.until, now + Self.reconnectTime))
  }

  /// A server-sent event with one line of data.
  private static func message(_ name: String, _ line: String) -> [UInt8] {
    Array("event: \(name)\ndata: \(line)\n\n".utf8)
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
    case "/": return Page.answer
    case "/events":
      var answer = ObserverAnswer.ok(stream(at: now), as: "text/event-stream")
      answer.isStream = true
      return answer
    default: return .failure(.notFound, "the page is at /, metrics are at /metrics")
    }
  }

  /// The report, if it is the present state. Drops the texts when that has changed.
  private mutating func current(at now: Instant) -> StatusReport? {
    let report = latest.flatMap { now <= $0.until ? $0.report : nil }
    if textsAreCurrent != (report != nil) { (texts, opening) = ([:], nil) }
    textsAreCurrent = report != nil
    return report
  }

  private mutating func stream(at now: Instant) -> [UInt8] {
    let report = current(at: now)
    if let opening { return opening }
    // A page of another version loads itself again.
    var text = Array("retry: 1000\n\n".utf8) + Self.message("version", version) + Self.message("past", history.json)
    if let report { text += Self.message("report", report.json) }
    opening = text
    return text
  }

  private func isAuthorized(_ request: ObserverRequest) -> Bool {
    guard let token else { return true }
    return request.authorization.flatMap(Authorization.token)?.isEqualInConstantTime(to: token) == true
  }

  private mutating func text(_ format: Exposition.Format, at now: Instant) -> [UInt8] {
    let report = current(at: now)
    if let text = texts[format] { return text }
    let text = Array(Exposition(report, version: version, certificateEnd: certificateEnd).text(format).utf8)
    texts[format] = text
    return text
  }
}
