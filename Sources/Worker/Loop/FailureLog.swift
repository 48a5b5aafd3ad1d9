import Balancing
import Logging
import Wire

/// Logs failures of servers, shortages of local resources for connections to them, and reasons for disconnecting or
/// refusing clients, at a limited rate: once per interval for each server and kind, and once for all clients that are
/// disconnected and for all that rules refuse, with the number of failures that were not logged; for all above a rate with
/// those clients that were it most often.
struct FailureLog {
  enum Kind: Hashable {
    case ofServer
    /// A local resource is exhausted; the server may be healthy.
    case shortage
    /// Its certificate is another one than clients are shown.
    case certificate
    /// Its answer to `/broker/xml` says nothing of tunnels to us (`affinity.by: tunnel`).
    case unreadable
  }

  private enum Topic: Hashable {
    case server(Int, Kind, port: UInt16?)
    case clients
    case refusedClients
    case withoutCertificate
    case rate(RateRules.Subject)
  }

  /// What was above a rate since the last line about it.
  private struct Excesses {
    var tally = ExcessTally()
    var rate: Rate
    var isTrial: Bool

    /// The line has the rate that is in force since the last reload.
    mutating func note(_ client: IPAddress, above rate: Rate, isTrial: Bool) {
      tally.note(client)
      (self.rate, self.isTrial) = (rate, isTrial)
    }
  }

  private let log: Logger
  private var limiter = LogRateLimiter<Topic>(every: .seconds(5))
  /// For failures that last until a setting is changed.
  private var daily = LogRateLimiter<Topic>(every: .hours(24))
  /// The number of lines that were left out.
  private var suppressed: UInt64 = 0
  private var excesses: [RateRules.Subject: Excesses] = [:]

  init(log: Logger) { self.log = log }

  /// Records a failure of a server, by index, and logs it if the rate permits. `port`: nil for the server's own.
  mutating func note(
    _ server: Int, _ name: String, port: UInt16? = nil, _ kind: Kind, _ reason: @autoclosure () -> String,
    at now: Instant
  ) {
    let topic = Topic.server(server, kind, port: port)
    let suppressed = kind == .unreadable ? daily.take(topic, at: now) : limiter.take(topic, at: now)
    guard let suppressed else { return leaveOut() }
    let place = port.map { "\(name), port \($0)" } ?? name
    let more = suppressed == 0 ? "" : " (and \(suppressed) failures more since the last line)"
    let metadata: Logger.Metadata = ["server": "\(name)"]
    switch kind {
    case .ofServer: log.warning("server \(place): \(reason())\(more)", metadata: metadata)
    case .certificate:
      log.warning(
        "server \(name): its certificate is another one than clients are shown: \(reason())\(more)",
        metadata: metadata)
    case .shortage:
      log.warning(
        "this machine lacks resources for a connection to server \(place): \(reason())\(more)", metadata: metadata)
    case .unreadable:
      log.warning(
        "server \(name): `tunnel` can't read a response to /broker/xml: \(reason())\(more)", metadata: metadata)
    }
  }

  private mutating func leaveOut() { suppressed &+= 1 }

  /// The number of lines that were left out since the previous call.
  mutating func takeSuppressed() -> UInt64 {
    defer { suppressed = 0 }
    return suppressed
  }

  /// Records a connection that a rule for client networks refuses, and logs it if the rate permits.
  mutating func note(refused client: Endpoint, by rule: @autoclosure () -> String, at now: Instant) {
    guard let suppressed = limiter.take(.refusedClients, at: now) else { return leaveOut() }
    let more = suppressed == 0 ? "" : " (and \(suppressed) connections more since the last line)"
    log.info("client \(client) is refused by \(rule())\(more)", metadata: ["client": "\(client.address)"])
  }

  /// Records a client that has no certificate where one is required, and logs it if the rate permits: a scan of the
  /// Internet is no problem of this machine's.
  mutating func note(withoutCertificate client: Endpoint, _ reason: @autoclosure () -> String, at now: Instant) {
    guard let suppressed = limiter.take(.withoutCertificate, at: now) else { return leaveOut() }
    let more = suppressed == 0 ? "" : " (and \(suppressed) clients more since the last line)"
    log.info("client \(client) is disconnected: \(reason())\(more)", metadata: ["client": "\(client.address)"])
  }

  /// Records why a client was disconnected, and logs it if the rate permits.
  mutating func note(client: Endpoint, _ reason: @autoclosure () -> String, at now: Instant) {
    guard let suppressed = limiter.take(.clients, at: now) else { return leaveOut() }
    let more = suppressed == 0 ? "" : " (and \(suppressed) clients more since the last line)"
    log.warning("client \(client) is disconnected: \(reason())\(more)", metadata: ["client": "\(client.address)"])
  }

  /// Records that a client has exceeded a rate. A line about it, or about all that have done so since the last one,
  /// follows at once or with `logExcesses`.
  mutating func note(_ excess: ClientRules.Excess, of client: Endpoint, isTrial: Bool, at now: Instant) {
    excesses[excess.subject, default: Excesses(rate: excess.rate, isTrial: isTrial)].note(
      client.address, above: excess.rate, isTrial: isTrial)
    logExcess(excess.subject, at: now)
  }

  /// Logs which clients were above a rate, where the rate of lines permits: called once a second.
  mutating func logExcesses(at now: Instant) {
    for subject in RateRules.Subject.allCases { logExcess(subject, at: now) }
  }

  private mutating func logExcess(_ subject: RateRules.Subject, at now: Instant) {
    guard excesses[subject]?.tally.isEmpty == false, limiter.take(.rate(subject), at: now) != nil,
      let taken = excesses[subject]?.tally.take(), let first = taken.clients.first, let noted = excesses[subject]
    else { return }
    let refusal = subject == .requests ? "answered with 429" : "closed"
    let consequence = noted.isTrial ? "would be refused without rates.trial" : refusal
    let further = taken.clients.dropFirst().map { "\($0.address) (\($0.isExact ? "" : "at least ")\($0.count))" }
    let others = taken.others > 0 ? ["others (\(taken.others))"] : []
    let list = (further + others).joined(separator: ", ")
    log.warning(
      """
      client \(first.address): above rates.\(subject), \(noted.rate): \(consequence)\
      \(first.count > 1 ? ", \(first.isExact ? "" : "at least ")\(first.count) times" : "")\(list.isEmpty ? "" : "; so were \(list)")
      """, metadata: ["client": "\(first.address)"])
  }
}
