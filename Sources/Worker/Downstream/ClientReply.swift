import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// Answers of our own, after which the connection ends.
extension ClientConnection {
  /// Writes an error page.
  mutating func reply(_ status: Status, _ context: inout LoopContext) -> Effects {
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
    return output.overflowed ? tell(.pageTooLarge, context) : .none
  }

  /// When a client that found no server may come back: the health checks need a few seconds to find one.
  static let retryAfterSeconds: UInt32 = 5

  /// Writes the answer to a request on port 80.
  mutating func redirect(_ context: inout LoopContext) -> Effects {
    guard let redirect = snapshot.redirect, let request = exchange.value.request else {
      return tell(.abandoned(isStopping: false), context)
    }
    context.buffers.lease(&output)
    output.removeAll()
    redirect.render(request, from: input, into: &output)
    guard output.overflowed else { return .none }
    output.removeAll()
    return tell(.redirectTooLarge, context)
  }

  /// Sends what is left for the client.
  mutating func flushReply(_ context: inout LoopContext) -> Step {
    while !output.isEmpty {
      switch stream.flush(&output) {
      case .bytes(let count): exchange.value.delivered(count, at: context.now)
      case .wouldBlock: return .wait
      case .broken: return clientLeft(&context)
      }
    }
    return react(to: .replied, &context)
  }
}
