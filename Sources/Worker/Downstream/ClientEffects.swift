import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// Telling the exchange what happens, and performing what it decides.
extension ClientConnection {
  /// Goes on with the exchange, as far as that needs no event.
  mutating func goOn(_ context: inout LoopContext) -> Step {
    switch exchange.value.state {
    case .reading: return awaitRequest(&context)
    case .queued: return clientHasLeft ? clientLeft(&context) : .wait
    case .connecting: return connect(&context)
    case .paused:
      if clientHasLeft { return clientLeft(&context) }
      let effects = tell(.timer([]), context)
      return effects.isEmpty ? .wait : perform(effects, &context)
    case .relaying: return relay(&context)
    case .replying: return flushReply(&context)
    // It never rests there.
    case .placing, .done: return .close
    }
  }

  /// Tells the exchange what happened, and answers with what it wants done.
  @inline(__always)
  mutating func tell(_ event: Exchange.Event, _ context: borrowing LoopContext) -> Effects {
    exchange.value.handle(event, policy: snapshot.policy, at: context.now)
  }

  @inline(__always)
  mutating func react(to event: Exchange.Event, _ context: inout LoopContext) -> Step {
    perform(tell(event, context), &context)
  }

  /// The same between two calls of `advance`, which then goes on.
  mutating func handle(_ event: Exchange.Event, _ context: inout LoopContext) -> Disposition {
    react(to: event, &context) == .close ? .close : advance(&context)
  }

  mutating func clientLeft(_ context: inout LoopContext) -> Step {
    react(to: .clientLeft(isFlood: stream.isFlooded), &context)
  }

  /// Does what the exchange wants done, and what follows from that.
  mutating func perform(_ wanted: Effects, _ context: inout LoopContext) -> Step {
    var effects = wanted
    while let effect = effects.next() {
      switch effect {
      case .log: if context.accessLog.isOpen { logExchange(&context) }
      case .keepConnection: keepConnection(&context)
      case .leavePlace: leavePlace(&context)
      case .place: effects = place(&context)
      case .connect: effects = obtainConnection(&context)
      case .sendHead: effects = sendHead(&context)
      case .awaitNext: awaitNext(&context)
      case .close: return .close
      default: effects = performSeldom(effect, effects, &context)
      }
    }
    return .again
  }

  /// What not every request needs. It is apart because `perform` would find the addresses of what this works on before
  /// it does anything.
  @inline(never)
  private mutating func performSeldom(_ effect: Effect, _ others: Effects, _ context: inout LoopContext) -> Effects {
    switch effect {
    case .suspectServer: if let server { snapshot.backend.suspect(server, .failing) }
    case .checkServer: if let server { snapshot.backend.suspect(server, .slow) }
    case .discardOutput: output.removeAll()
    case .passOnAnswer: passOn(others.approvedBytes, context)
    case .resetServer: if let connection { context.servers[connection].stream.abort() }
    case .resetClient: stream.abort()
    case .dropConnection: dropConnection(&context)
    case .excludeServer: excludeServer()
    case .connectAnew: return obtainConnection(&context, fresh: true)
    case .reply: return reply(others.status, &context)
    case .redirect: return redirect(&context)
    case .sayGoodbye: sayGoodbye()
    case .linger: startLingering(&context)
    case .log, .keepConnection, .leavePlace, .place, .connect, .sendHead, .awaitNext, .close: break
    }
    return others
  }

  /// The connection is ready for the next request.
  private mutating func awaitNext(_ context: inout LoopContext) {
    isPrivate = exchange.value.isPrivate
    context.exchanges.giveBack(&exchange)
    since = context.now
    server = nil
    if !tried.isEmpty { tried = ServerSet() }
    if !requestLine.isEmpty { requestLine.removeAll(keepingCapacity: true) }
  }
}
