import Balancing
import Domain
import Exchange
import HTTP1
import Linux
import Logging
import Wire

/// A request on a client's connection, from its first byte to the last byte of its response: the exchange, which
/// decides, its client, and its server. Passes events to the exchange and performs its effects.
struct ActiveExchange: ~Copyable {
  /// The result of a step, for the client's connection.
  enum Step: Equatable {
    case again
    /// The client's connection must read the request head.
    case read
    case wait
    /// There is more to do, after other connections had their turn.
    case yield
    /// The exchange is over, and the connection is ready for the next request.
    case next
    /// The exchange is over, and our direction is closed.
    case linger
    case close
  }

  /// The request's position at its server, of which it has the index in the snapshot.
  enum Position {
    /// No server is chosen.
    case none
    /// Neither in the server's queue nor admitted: not yet, or no longer.
    case outside(Int)
    /// Waiting in the server's queue with this ticket.
    case queued(Int, Admission<WaitingRequest>.Ticket)
    /// Holding one of the server's slots, to be released.
    case admitted(Int)
  }

  var exchange: Exchange
  /// The service's newest at the time when the request was last routed: its servers are numbered as in this.
  var snapshot: ServiceSnapshot
  /// How the head of a request with chunks is edited: as configured when it was read, as its trailers are.
  var edits: HeaderEdits?
  /// The client, if a trusted proxy named another one than the peer in the header fields.
  var origin: ClientIdentity?
  var position = Position.none
  /// The request is for this server alone (`names` or `ports` of the server): no other server is tried, and the
  /// client's affinity is neither used nor changed.
  var isDedicated = false
  /// The rule that refuses the request, for the log.
  var refusal: ClientRules.Refusal?
  /// The connection to the server, or the one kept from the previous exchange.
  var connection: SlabKey?
  /// Servers that failed in this exchange.
  var tried = ServerSet()
  /// The reason for the choice of the server, until it has responded: then the client is assigned to it.
  var unconfirmed: (server: Int, cookie: ClientKey?, basis: Backend.Choice.Basis)?
  /// The reason for the choice of the server, for traces.
  var placement = Placement.none
  /// Whether the response may issue a connection id.
  var asksBroker = false
  /// Scans that response for connection ids as it is relayed.
  var scanner = Leased<ConnectionIDScanner>()
  /// The request line for the access log.
  var requestLine: [UInt8] = []

  /// The chosen server.
  var server: Int? {
    switch position {
    case .none: nil
    case .outside(let server), .queued(let server, _), .admitted(let server): server
    }
  }

  func key(on client: borrowing Client) -> RequestKey {
    RequestKey(connection: client.key, number: exchange.number)
  }

  /// Continues as far as possible without waiting for an event.
  mutating func advance(_ client: inout Client, _ context: inout LoopContext) -> Step {
    switch exchange.state {
    case .queued: return hasLeft(client) ? clientLeft(&client, &context) : .wait
    case .connecting: return connect(&client, &context)
    case .paused:
      if hasLeft(client) { return clientLeft(&client, &context) }
      let effects = effects(of: .timer([]), context)
      return effects.isEmpty ? .wait : perform(effects, &client, &context)
    case .relaying: return relay(&client, &context)
    case .replying: return flushReply(&client, &context)
    case .reading: return .read
    // These states do not persist between two calls.
    case .placing, .done: return .close
    }
  }

  /// Passes an event to the exchange and returns the effects to perform.
  @inline(always)
  mutating func effects(of event: Exchange.Event, _ context: borrowing LoopContext) -> Effects {
    exchange.handle(event, policy: snapshot.policy, at: context.now)
  }

  @inline(always)
  mutating func react(
    to event: Exchange.Event, _ client: inout Client, _ context: inout LoopContext
  ) -> Step {
    perform(effects(of: event, context), &client, &context)
  }

  /// The request's head is complete.
  mutating func accepted(isLast: Bool, _ client: inout Client, _ context: inout LoopContext) -> Step {
    perform(exchange.accepted(isLast: isLast, at: context.now), &client, &context)
  }

  mutating func clientLeft(_ client: inout Client, _ context: inout LoopContext) -> Step {
    react(to: .clientLeft(isFlood: client.side.stream.isFlooded), &client, &context)
  }

  @inline(always)
  func hasLeft(_ client: borrowing Client) -> Bool {
    exchange.isAbandoned(hasEnded: client.side.stream.hasEnded, isReset: client.side.stream.isReset)
  }

  /// Performs effects, and those that result from them.
  mutating func perform(_ wanted: Effects, _ client: inout Client, _ context: inout LoopContext) -> Step {
    var effects = wanted
    while let effect = effects.next() {
      switch effect {
      case .log:
        count(&context)
        if context.reports.isRecording { log(&client, &context) }
      case .keepConnection: keepConnection(client, &context)
      case .releaseSlot: releaseSlot(client)
      case .place: effects = place(&client, &context)
      case .connect: effects = obtainConnection(&client, &context)
      case .sendHead: effects = sendHead(&client, &context)
      case .awaitNext:
        client.side.input.consume(exchange.dropRequest())
        return .next
      case .linger: return .linger
      case .close: return .close
      default: effects = performSeldom(effect, effects, &client, &context)
      }
    }
    return .again
  }

  /// The effects that not every request has. Separate, because otherwise `perform` would compute the addresses of the
  /// variables used here before it does anything.
  @inline(never)
  private mutating func performSeldom(
    _ effect: Effect, _ others: Effects, _ client: inout Client, _ context: inout LoopContext
  ) -> Effects {
    switch effect {
    case .suspectServer:
      guard let server else { break }
      countFailure(of: server, &context)
      requestFailed(at: server, client, &context)
    case .hastenChecks: if let server { hastenChecks(of: server, client) }
    case .checkServer: if let server { snapshot.backend.suspect(server, .slow) }
    case .discardOutput: client.side.output.removeAll()
    case .passOnResponse: passOn(others.approvedBytes, &client, &context)
    case .resetServer: if let connection { context.servers[connection].side.stream.abort() }
    case .resetClient: client.side.stream.abort()
    case .dropConnection: context.close(&connection)
    case .excludeServer: excludeServer(&client)
    case .connectAnew: return obtainConnection(&client, &context, fresh: true)
    case .reply: return reply(others.status, &client, &context)
    case .redirect: return redirect(&client, &context)
    case .sendEnd: client.sendEnd()
    case .log, .keepConnection, .releaseSlot, .place, .connect, .sendHead, .awaitNext, .linger, .close: break
    }
    return others
  }

  /// A port of `relay` may be closed at a server that is up, so one check is enough then.
  private func hastenChecks(of server: Int, _ client: borrowing Client) {
    snapshot.backend.suspect(server, client.entrance.isRelay ? .slow : .failing)
  }

  private func requestFailed(at server: Int, _ client: borrowing Client, _ context: inout LoopContext) {
    let backend = snapshot.backend
    guard !client.entrance.isRelay else { return hastenChecks(of: server, client) }
    guard let finding = backend.failed(server, identity(on: client).key, at: context.now) else { return }
    let name = backend.servers[server].name
    context.reports.log.warning(
      """
      server \(name): suspected, \(finding.failing) of \(finding.clients) clients met only failures; for two \
      minutes new clients go to others, if enough can take them
      """, metadata: ["server": "\(name)"])
  }
}
