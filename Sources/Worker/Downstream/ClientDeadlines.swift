import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import TLS
import Wire

extension ClientConnection {
  /// Arms the timer when something could expire before it fires; a timer that fires too early is armed again.
  mutating func arm(_ context: inout LoopContext) {
    let due =
      switch phase {
      case .handshaking: since + snapshot.policy.timeouts.tlsHandshake
      case .lingering: since + ClientConnection.lingeringTime
      case .open: exchange.isLeased ? exchange.value.earliestExpiry(snapshot.policy.timeouts) : idleExpiry
      }
    arm(at: due, &context)
  }

  private mutating func arm(at due: Instant, _ context: inout LoopContext) {
    guard due < armed else { return }
    armed = due
    context.timers.schedule(TimerKey(.client(key.index)).rawValue, at: due)
  }

  mutating func timerFired(_ context: inout LoopContext) -> Disposition {
    armed = .distantFuture
    switch phase {
    case .handshaking:
      if context.now >= since + snapshot.policy.timeouts.tlsHandshake {
        context.counters.failedHandshakes += 1
        return .close
      }
      // Going on with the handshake is for its own turn.
      arm(&context)
      return .keep
    case .lingering: return advance(&context)
    case .open: return exchange.isLeased ? exchangeTimerFired(&context) : idleTimerFired(&context)
    }
  }

  /// When a client that has not begun a request is closed.
  private var idleExpiry: Instant { since + snapshot.policy.timeouts.idle(isFirst: isFirst) }

  private mutating func idleTimerFired(_ context: inout LoopContext) -> Disposition {
    guard context.now >= idleExpiry else {
      arm(at: idleExpiry, &context)
      return .keep
    }
    sayGoodbye()
    return .close
  }

  private mutating func exchangeTimerFired(_ context: inout LoopContext) -> Disposition {
    let backlog = backlog(context)
    let effects = tell(.timer(backlog), context)
    guard effects.isEmpty else { return perform(effects, &context) == .close ? .close : advance(&context) }
    // The earliest expiry may have passed already; it would fire at every tick.
    let expiry = exchange.value.expiry(snapshot.policy.timeouts, backlog: backlog, at: context.now)
    if case .later(let due) = expiry { arm(at: due, &context) }
    return .keep
  }

  private func backlog(_ context: borrowing LoopContext) -> Backlog {
    var backlog: Backlog = []
    if !output.isEmpty || exchange.value.responseCursor.pending > 0 { backlog.insert(.toClient) }
    if exchange.value.requestCursor.pending > 0 { backlog.insert(.toServer) }
    if let connection, context.servers.contains(connection), !context.servers[connection].output.isEmpty {
      backlog.insert(.toServer)
    }
    return backlog
  }
}
