import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// Answers of our own, after which the connection ends.
extension Client {
  /// Answers with an error page.
  mutating func reply(_ status: Status, _ world: inout World) -> Step {
    releaseServer(&world, reusing: false)
    exchange.value.record.status = status.rawValue
    if exchange.value.record.answered == nil { exchange.value.record.answered = world.now }
    var page = StatusPage(status, isToHead: exchange.value.request?.method == .head)
    if status == .serviceUnavailable { page.retryAfterSeconds = Client.retryAfterSeconds }
    world.buffers.lease(&output)
    // Interim answers that wait here go first: TLS may have begun to send them.
    if let replacement = generation.errorPages[status.rawValue] {
      page.render(page: replacement.span, into: &output)
    } else {
      page.render(into: &output)
    }
    // Interim answers that are still to go out may have left too little room.
    if output.overflowed { return abort(&world) }
    phase = .replying
    return .again
  }

  /// When a client that found no server may come back: the health checks need a few seconds to find one.
  static let retryAfterSeconds: UInt32 = 5

  /// Answers a request on port 80.
  mutating func redirect(_ world: inout World) -> Step {
    guard let redirect = generation.redirect, let request = exchange.value.request else { return .close }
    exchange.value.record.termination = Termination(.local, .request)
    world.buffers.lease(&output)
    output.removeAll()
    redirect.render(request, from: input, into: &output)
    exchange.value.record.status = request.method == .get || request.method == .head ? 301 : 308
    exchange.value.record.answered = world.now
    if output.overflowed {
      output.removeAll()
      return reply(.uriTooLong, &world)
    }
    phase = .replying
    return .again
  }

  /// Sends what is left for the client, then ends our direction.
  mutating func flushReply(_ world: inout World) -> Step {
    while !output.isEmpty {
      switch stream.flush(&output) {
      case .bytes(let count):
        exchange.value.record.bytesToClient += UInt64(count)
        exchange.value.lastActivity = world.now
      case .wouldBlock: return .wait
      case .broken:
        exchange.value.record.termination = Termination(.client, .data)
        return .close
      }
    }
    logExchange(&world)
    return startLingering(&world)
  }
}
