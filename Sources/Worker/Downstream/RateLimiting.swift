import Balancing
import Configuration
import Domain
import HTTP1
import Linux
import Wire

// How often a client may connect and ask (`rates`). Connections and handshakes are refused before anything is spent on
// them; the rates are those of the newest configuration, since all services share them.

extension LoopContext {
  /// Whether a client may connect, begin a handshake or send a request now; what it may is charged. Nil: it may, else the
  /// time until then. A client whose address no trusted proxy has named has no rate.
  @inline(never)
  mutating func exceeds(_ subject: RateRules.Subject, _ client: Endpoint?) -> Interval? {
    guard let rules = snapshot.rates, let client, let rate = rules.rate(of: subject, for: client.address),
      case .refused(let wait) = sharedState.rates.take(subject, of: ClientKey(client.address), rate, at: now)
    else { return nil }
    reports.counters.rateExceeded(subject)
    reports.failures.note(subject, of: client, above: rate, isTrial: rules.isTrial, at: now)
    return rules.isTrial ? nil : wait
  }

  /// Whether a connection is to be closed because its client has opened too many lately. Counts and traces it then.
  mutating func refusesConnection(_ client: Endpoint?) -> Bool {
    guard snapshot.rates != nil, let client, exceeds(.connections, client) != nil else { return false }
    reports.counters.refused.connections += 1
    if reports.traces.isActive { reportRefusal(of: client, "rates.connections", rule: "rates.connections") }
    return true
  }
}

extension ClientConnection {
  /// Whether no handshake may begin because the client has begun too many lately. Counts and traces it then.
  @inline(never)
  func refusesHandshake(_ context: inout LoopContext) -> Bool {
    guard context.exceeds(.handshakes, client.knownEndpoint) != nil else { return false }
    context.reports.counters.refused.connections += 1
    if context.reports.traces.isActive { client.reportHandshakeFailure("refused by rates.handshakes", context) }
    return true
  }

  /// Why the request may not be relayed; nil if it may.
  @inline(never)
  mutating func findExcess(_ context: inout LoopContext) -> Rejection? {
    guard let wait = context.exceeds(.requests, requests.current.value.namedClient(on: client)) else { return nil }
    requests.current.value.refusal = .rate(wait: wait)
    return .rateExceeded
  }
}

extension RateRules {
  convenience init(_ settings: Configuration.Rates) {
    self.init(
      connections: settings.connections, handshakes: settings.handshakes, requests: settings.requests,
      exceptions: settings.exceptions, isTrial: settings.isTrial)
  }
}
