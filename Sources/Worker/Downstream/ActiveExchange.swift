import Balancing
import Exchange
import Linux
import Logging

/// A request on a client's connection, from its first byte to the last one of its answer: the exchange, which decides, and
/// the server's side of it. This tells the exchange what happens, and performs what it decides.
struct ActiveExchange: ~Copyable {
  /// What it came to, for its connection.
  enum Step: Equatable {
    case again
    /// Its head is awaited, which is its connection's to read.
    case read
    case wait
    /// There is more to do, but others have waited long enough.
    case yield
    /// It is over, and the connection is ready for the next request.
    case next
    /// It is over, and so is our direction.
    case linger
    case close
  }

  /// What it has at the server chosen.
  enum Standing {
    case none
    /// A ticket in the server's queue.
    case queued(Admission<WaitingClient>.Ticket)
    /// One of the server's places, to be given back.
    case admitted

    var isAdmitted: Bool { if case .admitted = self { true } else { false } }
  }

  var exchange: Exchange
  /// The server chosen.
  var server: Int?
  /// The request means that one: it goes nowhere else, and its client's assignment has nothing to do with it.
  var isDedicated = false
  var standing = Standing.none
  /// The connection to that server, or the one that was kept from the exchange before.
  var connection: SlabKey?
  /// Servers that failed it.
  var tried = ServerSet()
  /// Its response may issue a connection id.
  var asksBroker = false
  /// Reads that response as it is relayed.
  var scanner = Leased<ConnectionIDScanner>()
  /// For the log.
  var requestLine: [UInt8] = []

  /// Goes on, as far as that needs no event.
  mutating func goOn(_ client: inout Client, _ context: inout LoopContext) -> Step {
    switch exchange.state {
    case .queued: return hasLeft(client) ? clientLeft(&client, &context) : .wait
    case .connecting: return connect(&client, &context)
    case .paused:
      if hasLeft(client) { return clientLeft(&client, &context) }
      let effects = tell(.timer([]), client, context)
      return effects.isEmpty ? .wait : perform(effects, &client, &context)
    case .relaying: return relay(&client, &context)
    case .replying: return flushReply(&client, &context)
    case .reading: return .read
    // It never rests there.
    case .placing, .done: return .close
    }
  }

  /// Tells the exchange what happened, and answers with what it wants done.
  @inline(__always)
  mutating func tell(
    _ event: Exchange.Event, _ client: borrowing Client, _ context: borrowing LoopContext
  ) -> Effects {
    exchange.handle(event, policy: client.snapshot.policy, at: context.now)
  }

  @inline(__always)
  mutating func react(
    to event: Exchange.Event, _ client: inout Client, _ context: inout LoopContext
  ) -> Step {
    perform(tell(event, client, context), &client, &context)
  }

  /// The request's head is complete.
  mutating func accepted(isLast: Bool, _ client: inout Client, _ context: inout LoopContext) -> Step {
    perform(exchange.accepted(isLast: isLast, at: context.now), &client, &context)
  }

  mutating func clientLeft(_ client: inout Client, _ context: inout LoopContext) -> Step {
    react(to: .clientLeft(isFlood: client.side.stream.isFlooded), &client, &context)
  }

  @inline(__always)
  func hasLeft(_ client: borrowing Client) -> Bool {
    exchange.isAbandoned(hasEnded: client.side.stream.hasEnded, isReset: client.side.stream.isReset)
  }

  /// Does what the exchange wants done, and what follows from that.
  mutating func perform(_ wanted: Effects, _ client: inout Client, _ context: inout LoopContext) -> Step {
    var effects = wanted
    while let effect = effects.next() {
      switch effect {
      case .log: if context.reports.accessLog.isOpen { log(client, &context) }
      case .keepConnection: keepConnection(client, &context)
      case .leavePlace: leavePlace(client)
      case .place: effects = place(&client, &context)
      case .connect: effects = obtainConnection(&client, &context)
      case .sendHead: effects = sendHead(client, &context)
      case .awaitNext: return .next
      case .linger: return .linger
      case .close: return .close
      default: effects = performSeldom(effect, effects, &client, &context)
      }
    }
    return .again
  }

  /// What not every request needs. It is apart because `perform` would find the addresses of what this works on before
  /// it does anything.
  @inline(never)
  private mutating func performSeldom(
    _ effect: Effect, _ others: Effects, _ client: inout Client, _ context: inout LoopContext
  ) -> Effects {
    switch effect {
    case .suspectServer: if let server { requestFailed(at: server, client, context) }
    case .hastenChecks:
      if let server { client.snapshot.backend.suspect(server, client.entrance.isRelay ? .slow : .failing) }
    case .checkServer: if let server { client.snapshot.backend.suspect(server, .slow) }
    case .discardOutput: client.side.output.removeAll()
    case .passOnAnswer: passOn(others.approvedBytes, &client, context)
    case .resetServer: if let connection { context.servers[connection].side.stream.abort() }
    case .resetClient: client.side.stream.abort()
    case .dropConnection: context.close(&connection)
    case .excludeServer: excludeServer(&client)
    case .connectAnew: return obtainConnection(&client, &context, fresh: true)
    case .reply: return reply(others.status, &client, &context)
    case .redirect: return redirect(&client, &context)
    case .sayGoodbye: client.sayGoodbye()
    case .log, .keepConnection, .leavePlace, .place, .connect, .sendHead, .awaitNext, .linger, .close: break
    }
    return others
  }

  private func requestFailed(at server: Int, _ client: borrowing Client, _ context: borrowing LoopContext) {
    let backend = client.snapshot.backend
    // A port of `relay` may be closed at a server that is up.
    guard !client.entrance.isRelay else { return backend.suspect(server, .slow) }
    guard let finding = backend.failed(server, client.identity.key, at: context.now) else { return }
    let name = backend.servers[server].name
    context.reports.log.warning(
      """
      server \(name): suspected, \(finding.failing) of \(finding.clients) clients met only failures; for two \
      minutes new clients go to others, if enough can take them
      """, metadata: ["server": "\(name)"])
  }
}
