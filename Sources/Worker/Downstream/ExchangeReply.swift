import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Wire

/// Responses of our own. The connection closes after them, unless a rule or a limit has refused one
/// request of many.
extension ActiveExchange {
  /// Writes an error page.
  mutating func reply(_ status: Status, _ client: inout Client, _ context: inout LoopContext) -> Effects {
    var page = StatusPage(status, isToHead: exchange.request?.method == .head)
    page.keepsAlive = !exchange.closesClient
    let isMaintenance = exchange.isReplyingForMaintenance
    if status == .serviceUnavailable {
      page.retryAfterSeconds = isMaintenance ? ActiveExchange.maintenanceRetrySeconds : ActiveExchange.retryAfterSeconds
    }
    let replacement = snapshot.pages[isMaintenance ? .maintenance : .error(status.rawValue)]
    let fields = ownFields(client)
    if case .rate(let excess) = refusal { page.retryAfterSeconds = ActiveExchange.retryAfter(excess.wait) }
    context.buffers.lease(&client.side.output)
    if (replacement?.count ?? 0) + fields.count > ActiveExchange.ordinaryHeadBytes {
      context.buffers.enlarge(&client.side.output)
    }
    // Pending interim responses are sent first: TLS may have begun to send them.
    if let replacement {
      page.render(page: replacement.span, fields: fields, into: &client.side.output)
    } else {
      page.render(fields: fields, into: &client.side.output)
    }
    // Pending interim responses may have left too little room.
    return client.side.output.overflowed ? effects(of: .pageTooLarge, context) : .none
  }

  /// The operator's fields for responses of our own.
  private func ownFields(_ client: borrowing Client) -> [UInt8] {
    snapshot.edits.response?.ownLines(isSecure: client.entrance.hasTLS) ?? []
  }

  /// The Retry-After of a client for which no server was available: the health checks need a few seconds to find one.
  static let retryAfterSeconds: UInt32 = 5
  /// The Retry-After during maintenance, which takes longer: programs that obey it come back within five minutes of its end.
  static let maintenanceRetrySeconds: UInt32 = 300

  /// In whole seconds, so that the client may send again then.
  static func retryAfter(_ wait: Interval) -> UInt32 {
    UInt32(clamping: (wait.milliseconds / 1000) + 1)
  }

  /// Writes the redirect response of a redirecting listener.
  mutating func redirect(_ client: inout Client, _ context: inout LoopContext) -> Effects {
    guard let redirect = snapshot.redirect, let request = exchange.request else {
      return effects(of: .abandoned(isStopping: false), context)
    }
    context.buffers.lease(&client.side.output)
    client.side.output.removeAll()
    let fields = ownFields(client)
    if request.length + fields.count > ActiveExchange.ordinaryHeadBytes {
      context.buffers.enlarge(&client.side.output)
    }
    redirect.render(request, from: client.side.input, fields: fields, into: &client.side.output)
    guard client.side.output.overflowed else { return .none }
    client.side.output.removeAll()
    return effects(of: .redirectTooLarge, context)
  }

  /// Sends the rest of the output to the client.
  mutating func flushReply(_ client: inout Client, _ context: inout LoopContext) -> Step {
    while !client.side.output.isEmpty {
      switch client.side.flush() {
      case .bytes(let count): exchange.delivered(count, at: context.now)
      case .wouldBlock: return .wait
      case .broken: return clientLeft(&client, &context)
      }
    }
    // The connection may go on without a request, and holds none then.
    context.buffers.giveBack(&client.side.output)
    return react(to: .replied, &client, &context)
  }
}
