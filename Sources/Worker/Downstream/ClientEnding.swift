import Balancing
import Configuration
import Domain
import Exchange
import Linux
import TLS
import Wire

/// How a client's connection ends.
extension ClientConnection {
  /// How long to wait for the client's end after our last byte.
  static let lingeringTime = Interval.seconds(2)

  /// Begins to linger: the last byte for this client has been sent.
  mutating func startLingering(_ context: inout LoopContext) {
    context.buffers.giveBack(&client.side.output)
    if context.reports.traces.isActive { reportEnd(&context) }
    if !requests.isEmpty { endRequest(&context) }
    phase = .lingering
    since = context.now
  }

  /// Ends our direction, and reads and discards received bytes: otherwise the kernel would answer them with RST, and
  /// our last bytes could be lost.
  mutating func linger(_ context: inout LoopContext) -> ActiveExchange.Step {
    if context.now >= since + ClientConnection.lingeringTime { return .close }
    guard client.side.stream.sendEnd() else { return .wait }
    for _ in 0..<ClientConnection.roundsPerTurn {
      client.side.input.removeAll()
      switch client.side.receive(&context.buffers) {
      case .bytes: continue
      case .wouldBlock: return .wait
      case .yield: return .yield
      case .ended: return .close
      }
    }
    return .yield
  }

  /// A slot was granted to this request, which waited. It is released if the request no longer waits.
  mutating func granted(
    _ waiting: WaitingRequest, _ server: SharedServer, _ context: inout LoopContext
  ) -> Disposition {
    guard requests.contains(waiting.key), requests.current.value.admitted(by: server) else {
      Backend.leave(server, waiting.account, context.sharedState)
      return .keep
    }
    return handle(.placed(isOther: false), &context) ?? .keep
  }

  /// The server in whose queue this request waits no longer accepts clients: chooses another one.
  mutating func rerouted(_ request: RequestKey, _ context: inout LoopContext) -> Disposition {
    guard requests.contains(request), requests.current.value.dequeued() else { return .keep }
    return handle(.displaced, &context) ?? .keep
  }

  /// The server that has this request, or whose connection is kept for this client, no longer accepts clients. The
  /// exchange ends when the server is lost, unless the newest configuration keeps it.
  mutating func serverClosed(
    _ presence: ServerPresence, for request: RequestKey, _ context: inout LoopContext
  ) -> Disposition {
    guard phase == .open else { return .keep }
    // A connection kept for this client can not be used any more.
    context.close(&requests.kept)
    guard requests.contains(request) else { return .keep }
    let mine = requests.current.value.snapshot
    let newest = context.snapshot.service(like: mine) ?? mine
    let keeps = newest.settings.health.onDown == .keep
    return handle(.serverDown(presence, keeps: keeps, isLast: !newest.backend.acceptsClients), &context) ?? .keep
  }

  /// The worker stops: an idle client's connection ends now, others after their exchange.
  mutating func stop(_ context: inout LoopContext) -> Disposition {
    guard phase == .open else { return .keep }
    if requests.isEmpty { beginRequest(&context) }
    guard requests.current.value.react(to: .stop, &client, &context) == .close else { return .keep }
    if context.reports.traces.isActive { client.cause = .stopping }
    return .close
  }

  /// Releases everything but the connection itself.
  mutating func end(_ context: inout LoopContext) {
    if client.side.stream.isFlooded {
      context.reports.counters.refused.connections += 1
      context.reports.counters.worker.limits.tlsMessages &+= 1
      context.reports.failures.note(client: client.peer.endpoint, TLSConnection.floodExplanation, at: context.now)
    }
    if !requests.isEmpty {
      _ = requests.current.value.react(to: .abandoned(isStopping: context.isStopping), &client, &context)
    }
    if context.reports.traces.isActive, phase != .lingering { reportEnd(&context) }
    if !requests.isEmpty { endRequest(&context) }
    context.close(&requests.kept)
    client.leaveAffinity(&context)
    client.side.giveBackBuffers(to: &context.buffers)
  }
}

extension ActiveExchange {
  /// Sends the pending output and then the first bytes received from the server, as far as possible without blocking.
  mutating func passOn(_ approvedBytes: Int, _ client: inout Client, _ context: inout LoopContext) {
    while !client.side.output.isEmpty {
      guard case .bytes(let count) = client.side.flush() else { return }
      exchange.delivered(count, at: context.now)
    }
    guard approvedBytes > 0, let connection, context.servers.contains(connection) else { return }
    let outgoing = client.side.stream.write(context.servers[connection].side.input, from: 0, to: approvedBytes)
    if case .bytes(let count) = outgoing { exchange.delivered(count, at: context.now) }
  }
}
