import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// Bytes both ways, each direction only as fast as its receiver takes them.
extension Client {
  /// Rounds of reading and writing before others get their turn: 16 records of 16 KB each way.
  static let roundsPerTurn = 16

  mutating func relay(_ world: inout World) -> Step {
    guard let connection else { return .close }
    if clientHasLeft { return clientBroke(&world) }
    for _ in 0..<Client.roundsPerTurn {
      let up = relayUp(connection, &world)
      if case .stop(let step) = up { return step }
      let down = relayDown(connection, &world)
      if case .stop(let step) = down { return step }
      if exchange.value.isComplete || exchange.value.isAnsweredEarly, output.isEmpty {
        return finish(connection, &world)
      }
      if up == .yielded || down == .yielded { return .yield }
      if up == .blocked, down == .blocked { return .wait }
    }
    return .yield
  }

  enum Flow: Equatable {
    case moved
    /// Nothing can move now.
    case blocked
    /// More is to be read, and others have waited long enough.
    case yielded
    case stop(Step)
  }

  // MARK: client → server

  private mutating func relayUp(_ connection: SlabKey, _ world: inout World) -> Flow {
    if exchange.value.isServerDeaf { return .blocked }
    fillOutput(of: connection, &world)
    var moved = false
    while !world.servers[connection].output.isEmpty {
      switch world.servers[connection].flush() {
      case .bytes:
        exchange.value.sentRequest(0, at: world.now)
        moved = true
      case .wouldBlock:
        // Part of a TLS record may have left.
        exchange.value.requestLeft()
        return moved ? .moved : .blocked
      case .broken: return serverBroke()
      }
    }
    world.buffers.giveBack(&world.servers[connection].output)
    if exchange.value.requestCursor.pending > 0 {
      let cursor = exchange.value.requestCursor
      switch world.servers[connection].stream.write(input, from: cursor.sent, to: cursor.approved) {
      case .bytes(let count):
        exchange.value.sentRequest(count, at: world.now)
        return .moved
      case .wouldBlock:
        exchange.value.requestLeft()
        return moved ? .moved : .blocked
      case .broken: return serverBroke()
      }
    }
    if exchange.value.isAnswering { releaseSentRequest(&world) }
    switch exchange.value.requestSide {
    case .body, .tunnel: return readRequest(&world, moved)
    case .complete where exchange.value.isTunnel:
      // The client ended its direction: so do we towards the server.
      _ = world.servers[connection].stream.sendEnd()
      return moved ? .moved : .blocked
    case .head, .complete:
      return moved ? .moved : .blocked
    }
  }

  /// Puts the first of the approved body behind the head, so that both leave in one record.
  private mutating func fillOutput(of connection: SlabKey, _ world: inout World) {
    let cursor = exchange.value.requestCursor
    guard !world.servers[connection].output.isEmpty, cursor.pending > 0 else { return }
    let count = min(cursor.pending, world.servers[connection].output.room)
    guard count > 0 else { return }
    world.servers[connection].output.append(input, from: cursor.sent, to: cursor.sent + count)
    exchange.value.requestCursor.send(count)
  }

  /// The server has answered: the request will not be sent again, and an idle stream holds no buffer.
  private mutating func releaseSentRequest(_ world: inout World) {
    guard exchange.value.requestCursor.sent > 0 else { return }
    input.consume(exchange.value.dropSentRequest())
    if input.isEmpty { world.buffers.giveBack(&input) }
  }

  private mutating func readRequest(_ world: inout World, _ moved: Bool) -> Flow {
    guard stream.mayRead else { return moved ? .moved : .blocked }
    if exchange.value.requestCursor.sent > 0 { input.consume(exchange.value.dropSentRequest()) }
    world.buffers.lease(&input)
    if input.room == 0 { input.compact() }
    var ended: StreamEnd?
    switch stream.read(into: &input) {
    case .bytes(let count): exchange.value.record.bytesFromClient += UInt64(count)
    case .wouldBlock:
      if input.isEmpty { world.buffers.giveBack(&input) }
      return moved ? .moved : .blocked
    case .yield: return .yielded
    case .ended(let end): ended = end
    }
    if ended == .cut, exchange.value.isTunnel { return .stop(clientBroke(&world)) }
    switch exchange.value.readRequestBody(in: &input, ended: ended != nil, at: world.now) {
    case .refused(let rejection):
      world.log.debug("request body of \(peer) refused: \(rejection.reason)", metadata: subject)
      return .stop(exchange.value.response == nil ? reply(rejection.status, &world) : abort(&world))
    case .truncated, .closed: return .stop(clientBroke(&world))
    case .incomplete, .head, .body: return .moved
    }
  }

  mutating func clientBroke(_ world: inout World) -> Step {
    exchange.value.record.termination = Termination(stream.isFlooded ? .proxy : .client, exchange.value.phase)
    return abort(&world)
  }

  /// Writing to the server failed. Its answer may have come before: what can be read decides.
  private mutating func serverBroke() -> Flow {
    exchange.value.serverBecameDeaf()
    return .moved
  }

  // MARK: server → client

  private mutating func relayDown(_ connection: SlabKey, _ world: inout World) -> Flow {
    var moved = false
    while !output.isEmpty {
      switch stream.flush(&output) {
      case .bytes(let count):
        noteSent(count, &world)
        moved = true
      case .wouldBlock: return moved ? .moved : .blocked
      case .broken: return .stop(clientBroke(&world))
      }
    }
    if exchange.value.responseCursor.pending > 0 {
      let cursor = exchange.value.responseCursor
      switch stream.write(world.servers[connection].input, from: cursor.sent, to: cursor.approved) {
      case .bytes(let count):
        exchange.value.responseCursor.send(count)
        world.servers[connection].input.consume(exchange.value.responseCursor.drop())
        noteSent(count, &world)
        return .moved
      case .wouldBlock: return moved ? .moved : .blocked
      case .broken: return .stop(clientBroke(&world))
      }
    }
    world.buffers.giveBack(&output)
    if exchange.value.responseSide == .complete {
      if exchange.value.isTunnel { _ = stream.sendEnd() }
      return moved ? .moved : .blocked
    }
    return readResponse(connection, &world, moved)
  }

  private mutating func readResponse(_ connection: SlabKey, _ world: inout World, _ moved: Bool) -> Flow {
    guard world.servers[connection].stream.mayRead else { return moved ? .moved : .blocked }
    var end: StreamEnd?
    switch world.readServer(connection) {
    case .bytes: break
    case .wouldBlock: return moved ? .moved : .blocked
    case .yield: return .yielded
    case .ended(let how): end = how
    }
    let isFirst = exchange.value.response == nil
    if exchange.value.responseSide == .head {
      world.buffers.lease(&output)
      if generation.policy.limits.bytes > Client.ordinaryHeadBytes,
        world.servers[connection].input.count > Client.ordinaryHeadBytes
      {
        world.buffers.enlarge(&output)
      }
    }
    while true {
      let step = exchange.value.readResponse(
        in: &world.servers[connection].input, end: end, policy: generation.policy, at: world.now, into: &output)
      switch step {
      case .head:
        if output.overflowed { return .stop(headTooLarge(&world)) }
        if exchange.value.response != nil {
          if let unsettled { assignHome(unsettled, world) }
          if generation.cookie != nil { learnCookie(from: connection, &world) }
        }
        world.servers[connection].input.consume(exchange.value.responseCursor.drop())
        continue
      case .body:
        if let unsettled, exchange.value.isAnswering { assignHome(unsettled, world) }
        coalesce(connection, &world)
        return .moved
      case .incomplete:
        return .moved
      case .gone: return .stop(fail(.gone, "closed without an answer", &world))
      case .truncated:
        if isFirst { withdrawAnswer() }
        return .stop(fail(.truncated, "the answer broke off", &world))
      case .malformed(let rejection):
        if isFirst { withdrawAnswer() }
        if let server {
          world.noteFailure(of: generation.roster.servers[server], .ofServer, "malformed answer: \(rejection.reason)")
        }
        return .stop(fail(.malformed, "malformed answer", &world))
      }
    }
  }

  /// The answer's head came together with what is wrong with its body, and has not gone out.
  private mutating func withdrawAnswer() {
    output.removeAll()
    exchange.value.withdrawResponse()
  }

  /// Nothing of what did not fit was sent: answers are only read when the output is empty.
  private mutating func headTooLarge(_ world: inout World) -> Step {
    output.removeAll()
    exchange.value.record.termination = Termination(.proxy, .headers)
    return reply(.badGateway, &world)
  }

  /// Puts the first of the approved body behind the head, so that both leave in one record. A body of which all that
  /// came is approved stays where it is, and the head goes in front of it.
  private mutating func coalesce(_ connection: SlabKey, _ world: inout World) {
    let pending = exchange.value.responseCursor.pending
    guard !output.isEmpty, pending > 0 else { return }
    if pending == world.servers[connection].input.count, output.takeAll(of: &world.servers[connection].input) {
      exchange.value.responseCursor.send(pending)
      _ = exchange.value.responseCursor.drop()
      return
    }
    let count = min(pending, output.room)
    output.append(world.servers[connection].input, from: 0, to: count)
    exchange.value.responseCursor.send(count)
    world.servers[connection].input.consume(exchange.value.responseCursor.drop())
  }

  private mutating func noteSent(_ count: Int, _ world: inout World) {
    exchange.value.record.bytesToClient += UInt64(count)
    exchange.value.lastActivity = world.now
  }

  // MARK: the end

  /// Both messages are complete, or the answer is and nobody will read the rest of the request.
  private mutating func finish(_ connection: SlabKey, _ world: inout World) -> Step {
    input.consume(exchange.value.dropRequest())
    logExchange(&world)
    // A server may answer before it has taken the whole request.
    let isTaken = world.servers[connection].output.isEmpty
    releaseServer(&world, reusing: exchange.value.serverMayContinue && isTaken)
    guard exchange.value.clientMayContinue, !world.isStopping else { return startLingering(&world) }
    isPrivate = exchange.value.isPrivate
    world.exchanges.giveBack(&exchange)
    since = world.now
    server = nil
    if !tried.isEmpty { tried = ServerSet() }
    requestLine.removeAll(keepingCapacity: true)
    phase = .awaiting
    return .again
  }
}
