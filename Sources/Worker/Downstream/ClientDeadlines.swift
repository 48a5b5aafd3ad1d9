import Balancing
import Configuration
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
      case .replying: exchange.value.lastActivity + snapshot.policy.timeouts.client
      case .awaiting where !exchange.isLeased: idleExpiry
      case .paused:
        min(since + Exchange.shortagePause, exchange.value.earliestExpiry(snapshot.policy.timeouts))
      default: exchange.value.earliestExpiry(snapshot.policy.timeouts)
      }
    arm(at: due, &context)
  }

  private mutating func arm(at due: Instant, _ context: inout LoopContext) {
    guard due < armed else { return }
    armed = due
    context.timers.schedule(TimerKey(.client(key.index)).rawValue, at: due)
  }

  /// The timer fired.
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
    case .lingering: break
    case .replying:
      if context.now >= exchange.value.lastActivity + snapshot.policy.timeouts.client {
        exchange.value.record.termination = Termination(.clientTimeout, .data)
        return .close
      }
    case .paused where context.now >= since + Exchange.shortagePause: break
    case .awaiting, .queued, .connecting, .paused, .relaying:
      return expire(&context)
    }
    return advance(&context)
  }

  /// When a client that has not begun a request is closed.
  private var idleExpiry: Instant { since + snapshot.policy.timeouts.idle(isFirst: isFirst) }

  private mutating func expire(_ context: inout LoopContext) -> Disposition {
    let expiry =
      exchange.isLeased
      ? exchange.value.expiry(snapshot.policy.timeouts, backlog: backlog(context), at: context.now)
      : context.now < idleExpiry ? .later(idleExpiry) : .idle
    var step = Step.again
    switch expiry {
    case .later(let due):
      // The earliest expiry may have passed already; it would fire at every tick.
      arm(at: due, &context)
      return .keep
    case .idle:
      _ = stream.sendEnd()
      return .close
    case .requestHead:
      exchange.value.record.termination = Termination(.clientTimeout, .request)
      noteAbandonedRequest()
      step = reply(.requestTimeout, &context)
    case .queue:
      exchange.value.record.termination = Termination(.serverTimeout, .queue)
      step = service == .passthrough ? .close : reply(.serviceUnavailable, &context)
    case .connect:
      let failure: ServerFailure = phase == .paused ? .shortage : .connectTimeout
      step = fail(failure, "no connection within the time-out", &context)
    case .client:
      exchange.value.record.termination = Termination(.clientTimeout, exchange.value.phase)
      step = exchange.value.response == nil ? reply(.requestTimeout, &context) : abort(&context)
    case .server:
      step = fail(.timeout, "no answer within the time-out", &context)
    case .tunnel:
      exchange.value.record.termination = Termination(.clientTimeout, .data)
      step = abort(&context)
    }
    return step == .close ? .close : advance(&context)
  }

  private mutating func noteAbandonedRequest() {
    if requestLine.isEmpty { noteUnreadable() }
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
