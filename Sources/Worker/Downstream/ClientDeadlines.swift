import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import TLS
import Wire

extension Client {
  /// Arms the timer when something could expire before it fires; a timer that fires too early is armed again.
  mutating func arm(_ world: inout World) {
    let due =
      switch phase {
      case .handshaking: since + generation.policy.timeouts.tlsHandshake
      case .lingering: since + Client.lingeringTime
      case .replying: exchange.value.lastActivity + generation.policy.timeouts.client
      case .awaiting where !exchange.isLeased: idleExpiry
      case .paused:
        min(since + Exchange.shortagePause, exchange.value.earliestExpiry(generation.policy.timeouts))
      default: exchange.value.earliestExpiry(generation.policy.timeouts)
      }
    arm(at: due, &world)
  }

  private mutating func arm(at due: Instant, _ world: inout World) {
    guard due < armed else { return }
    armed = due
    world.timers.schedule(TimerKey(.client(key.index)).rawValue, at: due)
  }

  /// The timer fired.
  mutating func timerFired(_ world: inout World) -> Disposition {
    armed = .distantFuture
    switch phase {
    case .handshaking:
      if world.now >= since + generation.policy.timeouts.tlsHandshake {
        world.counters.failedHandshakes += 1
        return .close
      }
      // Going on with the handshake is for its own turn.
      arm(&world)
      return .keep
    case .lingering: break
    case .replying:
      if world.now >= exchange.value.lastActivity + generation.policy.timeouts.client {
        exchange.value.record.termination = Termination(.clientTimeout, .data)
        return .close
      }
    case .paused where world.now >= since + Exchange.shortagePause: break
    case .awaiting, .queued, .connecting, .paused, .relaying:
      return expire(&world)
    }
    return advance(&world)
  }

  /// When a client that has not begun a request is closed.
  private var idleExpiry: Instant { since + generation.policy.timeouts.idle(isFirst: isFirst) }

  private mutating func expire(_ world: inout World) -> Disposition {
    let expiry =
      exchange.isLeased
      ? exchange.value.expiry(generation.policy.timeouts, backlog: backlog(world), at: world.now)
      : world.now < idleExpiry ? .later(idleExpiry) : .idle
    var step = Step.again
    switch expiry {
    case .later(let due):
      // The earliest expiry may have passed already; it would fire at every tick.
      arm(at: due, &world)
      return .keep
    case .idle:
      _ = stream.sendEnd()
      return .close
    case .requestHead:
      exchange.value.record.termination = Termination(.clientTimeout, .request)
      noteAbandonedRequest()
      step = reply(.requestTimeout, &world)
    case .queue:
      exchange.value.record.termination = Termination(.serverTimeout, .queue)
      step = service == .passthrough ? .close : reply(.serviceUnavailable, &world)
    case .connect:
      let failure: ServerFailure = phase == .paused ? .shortage : .connectTimeout
      step = fail(failure, "no connection within the time-out", &world)
    case .client:
      exchange.value.record.termination = Termination(.clientTimeout, exchange.value.phase)
      step = exchange.value.response == nil ? reply(.requestTimeout, &world) : abort(&world)
    case .server:
      step = fail(.timeout, "no answer within the time-out", &world)
    case .tunnel:
      exchange.value.record.termination = Termination(.clientTimeout, .data)
      step = abort(&world)
    }
    return step == .close ? .close : advance(&world)
  }

  private mutating func noteAbandonedRequest() {
    if requestLine.isEmpty { noteUnreadable() }
  }

  private func backlog(_ world: borrowing World) -> Backlog {
    var backlog: Backlog = []
    if !output.isEmpty || exchange.value.responseCursor.pending > 0 { backlog.insert(.toClient) }
    if exchange.value.requestCursor.pending > 0 { backlog.insert(.toServer) }
    if let connection, world.servers.contains(connection), !world.servers[connection].output.isEmpty {
      backlog.insert(.toServer)
    }
    return backlog
  }
}
