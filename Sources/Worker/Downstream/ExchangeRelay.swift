import Exchange
import HTTP1
import Linux
import Logging
import Wire

/// Relays bytes in both directions, each only as fast as its receiver accepts them.
extension ActiveExchange {
  mutating func relay(_ client: inout Client, _ context: inout LoopContext) -> Step {
    guard let connection else { return .close }
    if hasLeft(client) { return clientLeft(&client, &context) }
    if context.reports.traces.isActive, exchange.kind == .opaque { followHello(&client, &context) }
    for _ in 0..<ClientConnection.roundsPerTurn {
      let up = relayUp(
        from: &client.side, to: &context.servers[connection].side, &context.buffers, at: context.now)
      if case .stop(let effects, let rejection) = up {
        if let rejection {
          noteRefusal(of: "request body", rejection, client, &context)
          if context.reports.traces.isActive { client.cause = .request(rejection) }
        }
        return perform(effects, &client, &context)
      }
      let down = relayDown(connection, &client, &context)
      if case .stop(let effects, _) = down { return perform(effects, &client, &context) }
      // A server may respond before it has accepted the whole request.
      let effects = exchange.relayed(
        isSent: client.side.output.isEmpty, isTaken: context.servers[connection].side.output.isEmpty,
        isStopping: context.isStopping)
      if !effects.isEmpty { return perform(effects, &client, &context) }
      switch (up, down) {
      case (.yielded, _), (_, .yielded): return .yield
      case (.blocked, .blocked): return .wait
      default: continue
      }
    }
    return .yield
  }

  func noteRefusal(
    of part: StaticString, _ rejection: Rejection, _ client: borrowing Client, _ context: inout LoopContext
  ) {
    let identity = identity(on: client)
    context.reports.log.debug(
      "\(part) of \(identity.endpoint) refused: \(rejection.reason)\(refusingRule.map { ", by the rule \($0)" } ?? "")",
      metadata: client.subject(identity))
  }

  private enum Flow {
    case moved
    /// No bytes can be transferred now.
    case blocked
    /// There is more to read, after other connections had their turn.
    case yielded
    /// The relay ends with these effects.
    case stop(Effects, Rejection? = nil)
  }

  // MARK: client → server

  private mutating func relayUp(
    from client: inout RelaySide, to server: inout RelaySide, _ buffers: inout BufferPool, at now: Instant
  ) -> Flow {
    if exchange.isRequestWriteClosed { return .blocked }
    if exchange.isRequestSent, server.output.isEmpty {
      if exchange.hasResponseBegun { releaseSentRequest(&client, &buffers) }
      return .blocked
    }
    fillOutput(of: &server, from: client)
    var moved = false
    while !server.output.isEmpty {
      switch server.flush() {
      case .bytes:
        exchange.sentCopiedRequest(at: now)
        moved = true
      case .wouldBlock:
        // Part of a TLS record may have been sent.
        exchange.requestLeft()
        return moved ? .moved : .blocked
      case .broken: return serverBroke()
      }
    }
    buffers.giveBack(&server.output)
    let cursor = exchange.requestCursor
    if cursor.pending > 0 {
      switch server.stream.write(client.input, from: cursor.sent, to: cursor.approved) {
      case .bytes(let count):
        exchange.sentRequest(count, at: now)
        return .moved
      case .wouldBlock:
        exchange.requestLeft()
        return moved ? .moved : .blocked
      case .broken: return serverBroke()
      }
    }
    if exchange.hasResponseBegun { releaseSentRequest(&client, &buffers) }
    switch exchange.requestSide {
    case .body, .tunnel: return readRequest(from: &client, &buffers, at: now, moved)
    case .complete where exchange.isTunnel:
      // The client ended its direction: end ours towards the server.
      _ = server.stream.sendEnd()
      return moved ? .moved : .blocked
    case .head, .complete:
      return moved ? .moved : .blocked
    }
  }

  /// Appends the first approved body bytes to the head, so that both are sent in one record.
  private mutating func fillOutput(of server: inout RelaySide, from client: borrowing RelaySide) {
    let cursor = exchange.requestCursor
    guard !server.output.isEmpty, cursor.pending > 0 else { return }
    let count = min(cursor.pending, server.output.room)
    guard count > 0 else { return }
    server.output.append(client.input.bytes.extracting(cursor.sent..<cursor.sent + count))
    exchange.movedRequest(count)
  }

  /// The server has responded, so the request will not be sent again; an idle stream holds no buffer.
  private mutating func releaseSentRequest(_ client: inout RelaySide, _ buffers: inout BufferPool) {
    guard exchange.requestCursor.sent > 0 else { return }
    client.input.consume(exchange.dropSentRequest())
    if client.input.isEmpty { buffers.giveBack(&client.input) }
  }

  private mutating func readRequest(
    from client: inout RelaySide, _ buffers: inout BufferPool, at now: Instant, _ moved: Bool
  ) -> Flow {
    guard client.stream.mayRead else { return moved ? .moved : .blocked }
    if exchange.requestCursor.sent > 0 { client.input.consume(exchange.dropSentRequest()) }
    var end: StreamEnd?
    switch client.receive(&buffers) {
    case .bytes(let count): exchange.received(count)
    case .wouldBlock: return moved ? .moved : .blocked
    case .yield: return .yielded
    case .ended(let how): end = how
    }
    let (step, effects) = exchange.readRequestBody(in: &client.input, end: end, at: now)
    switch step {
    case .incomplete, .head, .body: return .moved
    case .closed, .truncated: return .stop(effects)
    case .refused(let rejection): return .stop(effects, rejection)
    }
  }

  /// Writing to the server failed. It may have responded before: what can still be read decides.
  private mutating func serverBroke() -> Flow {
    exchange.closeRequestWrite()
    return .moved
  }

  // MARK: server → client

  private mutating func relayDown(
    _ connection: SlabKey, _ client: inout Client, _ context: inout LoopContext
  ) -> Flow {
    var moved = false
    while !client.side.output.isEmpty {
      switch client.side.flush() {
      case .bytes(let count):
        exchange.delivered(count, at: context.now)
        moved = true
      case .wouldBlock: return moved ? .moved : .blocked
      case .broken: return .stop(effects(of: .clientLeft(isFlood: client.side.stream.isFlooded), context))
      }
    }
    let cursor = exchange.responseCursor
    if cursor.pending > 0 {
      switch client.side.stream.write(context.servers[connection].side.input, from: cursor.sent, to: cursor.approved) {
      case .bytes(let count):
        context.servers[connection].side.input.consume(exchange.movedResponse(count))
        exchange.delivered(count, at: context.now)
        return .moved
      case .wouldBlock: return moved ? .moved : .blocked
      case .broken: return .stop(effects(of: .clientLeft(isFlood: client.side.stream.isFlooded), context))
      }
    }
    context.buffers.giveBack(&client.side.output)
    if exchange.responseSide == .complete {
      if exchange.isTunnel { _ = client.side.stream.sendEnd() }
      return moved ? .moved : .blocked
    }
    return readResponse(connection, &client, &context, moved)
  }

  private mutating func readResponse(
    _ connection: SlabKey, _ client: inout Client, _ context: inout LoopContext, _ moved: Bool
  ) -> Flow {
    guard context.servers[connection].side.stream.mayRead else { return moved ? .moved : .blocked }
    var end: StreamEnd?
    switch context.readServer(connection) {
    case .bytes: break
    case .wouldBlock: return moved ? .moved : .blocked
    case .yield: return .yielded
    case .ended(let how): end = how
    }
    if exchange.inbound.side == .head {
      context.buffers.lease(&client.side.output)
      let added = snapshot.edits.response?.lines.count ?? 0
      if snapshot.policy.limits.bytes + added > ActiveExchange.ordinaryHeadBytes,
        context.servers[connection].side.input.count + added > ActiveExchange.ordinaryHeadBytes
      {
        context.buffers.enlarge(&client.side.output)
      }
    }
    while true {
      let (step, effects) = exchange.readResponse(
        in: &context.servers[connection].side.input, end: end, policy: snapshot.policy,
        edits: exchange.inbound.side == .head ? snapshot.edits.response : nil, at: context.now,
        into: &client.side.output)
      if scanner.isLeased { readIDs(from: connection, client, &context) }
      switch step {
      case .head:
        // Nothing of the output that overflowed was sent: responses are only read when the output is empty.
        if client.side.output.overflowed { return .stop(self.effects(of: .responseHeadTooLarge, context)) }
        if exchange.hasResponseHead {
          noteResponse(&client, &context)
          if !isDedicated {
            assignServer(&client, &context)
            if let cookie = snapshot.affinity.cookie { learn(cookie, from: connection, &client, &context) }
          }
          if asksBroker { watchResponse(from: connection, &context) }
        }
        context.servers[connection].side.input.consume(exchange.movedResponse(0))
        continue
      case .body:
        if exchange.hasResponseBegun {
          if !isDedicated { assignServer(&client, &context) }
          if exchange.kind == .opaque, !client.entrance.isRelay { noteResponse(&client, &context) }
        }
        coalesce(from: &context.servers[connection].side.input, into: &client.side.output)
        return .moved
      case .incomplete:
        return .moved
      case .gone, .truncated: return .stop(effects)
      case .malformed(let rejection):
        let server = context.servers[connection].shared
        context.noteFailure(of: server, .ofServer, "malformed answer: \(rejection.reason)")
        if context.reports.traces.isActive { client.cause = .response(rejection) }
        return .stop(effects)
      }
    }
  }

  /// Appends the first approved body bytes to the head, so that both are sent in one record. If all received body bytes
  /// are approved, they stay where they are, and the head is put before them.
  private mutating func coalesce(from input: inout Buffer, into output: inout Buffer) {
    let pending = exchange.inbound.cursor.pending
    guard !output.isEmpty, pending > 0 else { return }
    if pending == input.count, output.takeAll(of: &input) {
      _ = exchange.movedResponse(pending)
      return
    }
    let count = min(pending, output.room)
    output.append(input.bytes.extracting(0..<count))
    input.consume(exchange.movedResponse(count))
  }
}
