import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// Answers of our own, after which the connection ends.
extension ClientConnection {
  /// Answers with an error page.
  mutating func reply(_ status: Status, _ context: inout LoopContext) -> Step {
    releaseServer(&context, reusing: false)
    exchange.value.record.status = status.rawValue
    if exchange.value.record.answered == nil { exchange.value.record.answered = context.now }
    var page = StatusPage(status, isToHead: exchange.value.request?.method == .head)
    if status == .serviceUnavailable { page.retryAfterSeconds = ClientConnection.retryAfterSeconds }
    context.buffers.lease(&output)
    // Interim answers that wait here go first: TLS may have begun to send them.
    if let replacement = snapshot.errorPages[status.rawValue] {
      page.render(page: replacement.span, into: &output)
    } else {
      page.render(into: &output)
    }
    // Interim answers that are still to go out may have left too little room.
    if output.overflowed { return abort(&context) }
    phase = .replying
    return .again
  }

  /// When a client that found no server may come back: the health checks need a few seconds to find one.
  static let retryAfterSeconds: UInt32 = 5

  /// Answers a request on port 80.
  mutating func redirect(_ context: inout LoopContext) -> Step {
    guard let redirect = snapshot.redirect, let request = exchange.value.request else { return .close }
    exchange.value.record.termination = Termination(.local, .request)
    context.buffers.lease(&output)
    output.removeAll()
    redirect.render(request, from: input, into: &output)
    exchange.value.record.status = request.method == .get || request.method == .head ? 301 : 308
    exchange.value.record.answered = context.now
    if output.overflowed {
      output.removeAll()
      return reply(.uriTooLong, &context)
    }
    phase = .replying
    return .again
  }

  /// Sends what is left for the client, then ends our direction.
  mutating func flushReply(_ context: inout LoopContext) -> Step {
    while !output.isEmpty {
      switch stream.flush(&output) {
      case .bytes(let count):
        exchange.value.record.bytesToClient += UInt64(count)
        exchange.value.lastActivity = context.now
      case .wouldBlock: return .wait
      case .broken:
        exchange.value.record.termination = Termination(.client, .data)
        return .close
      }
    }
    logExchange(&context)
    return startLingering(&context)
  }
}
