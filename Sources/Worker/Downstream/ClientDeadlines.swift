import Domain
import Exchange
import Linux
import TLS
import Wire

extension ClientConnection {
  /// Arms the timer if a timeout could expire before it fires; a timer that fires too early is armed again.
  mutating func arm(_ context: inout LoopContext) {
    let due =
      switch phase {
      case .awaitingHeader: since + client.snapshot.policy.timeouts.proxyHeader
      case .handshaking: since + client.snapshot.policy.timeouts.tlsHandshake
      case .lingering: since + ClientConnection.lingeringTime
      case .open: requests.isEmpty ? idleExpiry : requests.current.value.earliestExpiry
      }
    arm(at: due, &context)
  }

  private mutating func arm(at due: Instant, _ context: inout LoopContext) {
    guard due < armed else { return }
    armed = due
    context.timers.schedule(TimerKey(.client(client.key.index)).rawValue, at: due)
  }

  mutating func timerFired(_ context: inout LoopContext) -> Disposition {
    armed = .distantFuture
    switch phase {
    case .awaitingHeader:
      if context.now >= since + client.snapshot.policy.timeouts.proxyHeader {
        if context.reports.traces.isActive { client.cause = .timeout(.proxyHeader) }
        refuseHeader(.late, &context)
        return .close
      }
      arm(&context)
      return .keep
    case .handshaking:
      if context.now >= since + client.snapshot.policy.timeouts.tlsHandshake {
        if context.reports.traces.isActive { client.cause = .timeout(.tlsHandshake) }
        noteHandshakeFailure(.timeout, "not complete within timeouts.tls-handshake", &context)
        return .close
      }
      // The handshake continues only when it is this connection's turn.
      arm(&context)
      return .keep
    case .lingering: return advance(&context)
    case .open:
      guard !requests.isEmpty || context.now >= idleExpiry else {
        arm(at: idleExpiry, &context)
        return .keep
      }
      // The exchange decides about a client that has not begun one, too.
      if requests.isEmpty { beginRequest(&context) }
      return exchangeTimerFired(&context)
    }
  }

  /// The deadline of a client that has not begun a request.
  private var idleExpiry: Instant { since + client.snapshot.policy.timeouts.idle(isFirst: requests.begun == 0) }

  private mutating func exchangeTimerFired(_ context: inout LoopContext) -> Disposition {
    let backlog = requests.current.value.backlog(client, &context)
    if context.reports.traces.isActive { noteTimeout(backlog, &context) }
    if let disposition = handle(.timer(backlog), &context) { return disposition }
    // The earliest expiry may be in the past; the timer would fire at every tick.
    let expiry = requests.current.value.expiry(backlog, at: context.now)
    if case .later(let due) = expiry { arm(at: due, &context) }
    return .keep
  }
}

extension ActiveExchange {
  fileprivate var earliestExpiry: Instant {
    mutating get { exchange.earliestExpiry(snapshot.policy.timeouts) }
  }

  fileprivate func expiry(_ backlog: Backlog, at now: Instant) -> Expiry {
    exchange.expiry(snapshot.policy.timeouts, backlog: backlog, at: now)
  }

  fileprivate func backlog(_ client: borrowing Client, _ context: inout LoopContext) -> Backlog {
    var backlog: Backlog = []
    if !client.side.output.isEmpty || exchange.responseCursor.pending > 0 { backlog.insert(.toClient) }
    if exchange.requestCursor.pending > 0 { backlog.insert(.toServer) }
    if let connection, context.servers.contains(connection), !context.servers[connection].side.output.isEmpty {
      backlog.insert(.toServer)
    }
    return backlog
  }
}
