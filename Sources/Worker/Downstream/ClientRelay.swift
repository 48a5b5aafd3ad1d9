import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// Bytes both ways, each direction only as fast as its receiver takes them.
extension ClientConnection {
  /// Rounds of reading and writing before others get their turn: 16 records of 16 KB each way.
  static let roundsPerTurn = 16

  mutating func relay(_ context: inout LoopContext) -> Step {
    guard let connection else { return .close }
    if clientHasLeft { return clientLeft(&context) }
    for _ in 0..<ClientConnection.roundsPerTurn {
      let up = relayUp(connection, &context)
      if case .stop(let step) = up { return step }
      let down = relayDown(connection, &context)
      if case .stop(let step) = down { return step }
      if exchange.value.isAnswerDelivered, output.isEmpty, exchange.value.isOver {
        input.consume(exchange.value.dropRequest())
        // A server may answer before it has taken the whole request.
        let isTaken = context.servers[connection].output.isEmpty
        return perform(exchange.value.delivered(isTaken: isTaken, isStopping: context.isStopping), &context)
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

  private mutating func relayUp(_ connection: SlabKey, _ context: inout LoopContext) -> Flow {
    if exchange.value.isRequestWriteClosed { return .blocked }
    if exchange.value.isRequestSent, context.servers[connection].output.isEmpty {
      if exchange.value.isAnswering { releaseSentRequest(&context) }
      return .blocked
    }
    fillOutput(of: connection, &context)
    var moved = false
    while !context.servers[connection].output.isEmpty {
      switch context.servers[connection].flush() {
      case .bytes:
        exchange.value.sentCopiedRequest(at: context.now)
        moved = true
      case .wouldBlock:
        // Part of a TLS record may have left.
        exchange.value.requestLeft()
        return moved ? .moved : .blocked
      case .broken: return serverBroke()
      }
    }
    context.buffers.giveBack(&context.servers[connection].output)
    if exchange.value.requestCursor.pending > 0 {
      let cursor = exchange.value.requestCursor
      switch context.servers[connection].stream.write(input, from: cursor.sent, to: cursor.approved) {
      case .bytes(let count):
        exchange.value.sentRequest(count, at: context.now)
        return .moved
      case .wouldBlock:
        exchange.value.requestLeft()
        return moved ? .moved : .blocked
      case .broken: return serverBroke()
      }
    }
    if exchange.value.isAnswering { releaseSentRequest(&context) }
    switch exchange.value.requestSide {
    case .body, .tunnel: return readRequest(&context, moved)
    case .complete where exchange.value.isTunnel:
      // The client ended its direction: so do we towards the server.
      _ = context.servers[connection].stream.sendEnd()
      return moved ? .moved : .blocked
    case .head, .complete:
      return moved ? .moved : .blocked
    }
  }

  /// Puts the first of the approved body behind the head, so that both leave in one record.
  private mutating func fillOutput(of connection: SlabKey, _ context: inout LoopContext) {
    let cursor = exchange.value.requestCursor
    guard !context.servers[connection].output.isEmpty, cursor.pending > 0 else { return }
    let count = min(cursor.pending, context.servers[connection].output.room)
    guard count > 0 else { return }
    context.servers[connection].output.append(input, from: cursor.sent, to: cursor.sent + count)
    exchange.value.movedRequest(count)
  }

  /// The server has answered: the request will not be sent again, and an idle stream holds no buffer.
  private mutating func releaseSentRequest(_ context: inout LoopContext) {
    guard exchange.value.requestCursor.sent > 0 else { return }
    input.consume(exchange.value.dropSentRequest())
    if input.isEmpty { context.buffers.giveBack(&input) }
  }

  private mutating func readRequest(_ context: inout LoopContext, _ moved: Bool) -> Flow {
    guard stream.mayRead else { return moved ? .moved : .blocked }
    if exchange.value.requestCursor.sent > 0 { input.consume(exchange.value.dropSentRequest()) }
    context.buffers.lease(&input)
    if input.room == 0 { input.compact() }
    var ended: StreamEnd?
    switch stream.read(into: &input) {
    case .bytes(let count): exchange.value.received(count)
    case .wouldBlock:
      if input.isEmpty { context.buffers.giveBack(&input) }
      return moved ? .moved : .blocked
    case .yield: return .yielded
    case .ended(let end): ended = end
    }
    if ended == .cut, exchange.value.isTunnel { return .stop(clientLeft(&context)) }
    switch exchange.value.readRequestBody(in: &input, ended: ended != nil, at: context.now) {
    case .refused(let rejection):
      context.log.debug("request body of \(peer) refused: \(rejection.reason)", metadata: subject)
      return .stop(react(to: .refused(rejection), &context))
    case .truncated, .closed: return .stop(clientLeft(&context))
    case .incomplete, .head, .body: return .moved
    }
  }

  /// Writing to the server failed. Its answer may have come before: what can be read decides.
  private mutating func serverBroke() -> Flow {
    exchange.value.closeRequestWrite()
    return .moved
  }

  // MARK: server → client

  private mutating func relayDown(_ connection: SlabKey, _ context: inout LoopContext) -> Flow {
    var moved = false
    while !output.isEmpty {
      switch stream.flush(&output) {
      case .bytes(let count):
        exchange.value.delivered(count, at: context.now)
        moved = true
      case .wouldBlock: return moved ? .moved : .blocked
      case .broken: return .stop(clientLeft(&context))
      }
    }
    if exchange.value.responseCursor.pending > 0 {
      let cursor = exchange.value.responseCursor
      switch stream.write(context.servers[connection].input, from: cursor.sent, to: cursor.approved) {
      case .bytes(let count):
        context.servers[connection].input.consume(exchange.value.movedResponse(count))
        exchange.value.delivered(count, at: context.now)
        return .moved
      case .wouldBlock: return moved ? .moved : .blocked
      case .broken: return .stop(clientLeft(&context))
      }
    }
    context.buffers.giveBack(&output)
    if exchange.value.responseSide == .complete {
      if exchange.value.isTunnel { _ = stream.sendEnd() }
      return moved ? .moved : .blocked
    }
    return readResponse(connection, &context, moved)
  }

  private mutating func readResponse(_ connection: SlabKey, _ context: inout LoopContext, _ moved: Bool) -> Flow {
    guard context.servers[connection].stream.mayRead else { return moved ? .moved : .blocked }
    var end: StreamEnd?
    switch context.readServer(connection) {
    case .bytes: break
    case .wouldBlock: return moved ? .moved : .blocked
    case .yield: return .yielded
    case .ended(let how): end = how
    }
    let isFirst = !exchange.value.hasAnswerHead
    if exchange.value.inbound.side == .head {
      context.buffers.lease(&output)
      if snapshot.policy.limits.bytes > ClientConnection.ordinaryHeadBytes,
        context.servers[connection].input.count > ClientConnection.ordinaryHeadBytes
      {
        context.buffers.enlarge(&output)
      }
    }
    while true {
      let step = exchange.value.readResponse(
        in: &context.servers[connection].input, end: end, policy: snapshot.policy, at: context.now, into: &output)
      switch step {
      case .head:
        // Nothing of what did not fit was sent: answers are only read when the output is empty.
        if output.overflowed { return .stop(react(to: .answerHeadTooLarge, &context)) }
        if exchange.value.hasAnswerHead {
          if let unsettled { assignServer(unsettled, context) }
          if snapshot.cookie != nil { learnCookie(from: connection, &context) }
        }
        context.servers[connection].input.consume(exchange.value.movedResponse(0))
        continue
      case .body:
        if let unsettled, exchange.value.isAnswering { assignServer(unsettled, context) }
        coalesce(connection, &context)
        return .moved
      case .incomplete:
        return .moved
      case .gone: return .stop(react(to: .failed(.gone), &context))
      case .truncated: return .stop(react(to: .answerFailed(.truncated, isUnsent: isFirst), &context))
      case .malformed(let rejection):
        if let server {
          context.noteFailure(of: snapshot.backend.servers[server], .ofServer, "malformed answer: \(rejection.reason)")
        }
        return .stop(react(to: .answerFailed(.malformed, isUnsent: isFirst), &context))
      }
    }
  }

  /// Puts the first of the approved body behind the head, so that both leave in one record. A body of which all that
  /// came is approved stays where it is, and the head goes in front of it.
  private mutating func coalesce(_ connection: SlabKey, _ context: inout LoopContext) {
    let pending = exchange.value.inbound.cursor.pending
    guard !output.isEmpty, pending > 0 else { return }
    if pending == context.servers[connection].input.count, output.takeAll(of: &context.servers[connection].input) {
      _ = exchange.value.movedResponse(pending)
      return
    }
    let count = min(pending, output.room)
    output.append(context.servers[connection].input, from: 0, to: count)
    context.servers[connection].input.consume(exchange.value.movedResponse(count))
  }
}
