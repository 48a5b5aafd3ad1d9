import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import TLS
import Wire

/// The ways a client's connection ends.
extension ClientConnection {
  /// How long the end of a client is waited for after our last byte.
  static let lingeringTime = Interval.seconds(2)

  /// The last byte for this client is out.
  mutating func startLingering(_ context: inout LoopContext) -> Step {
    context.buffers.giveBack(&output)
    context.exchanges.giveBack(&exchange)
    phase = .lingering
    since = context.now
    return .again
  }

  /// Ends our direction, and reads and drops what still comes: the kernel would answer it with RST and take our last
  /// bytes away.
  mutating func linger(_ context: inout LoopContext) -> Step {
    if context.now >= since + ClientConnection.lingeringTime { return .close }
    guard stream.sendEnd() else { return .wait }
    context.buffers.lease(&input)
    for _ in 0..<ClientConnection.roundsPerTurn {
      input.removeAll()
      switch stream.read(into: &input) {
      case .bytes: continue
      case .wouldBlock:
        context.buffers.giveBack(&input)
        return .wait
      case .yield: return .yield
      case .ended: return .close
      }
    }
    return .yield
  }

  /// What is good of an answer that broke off goes out, as far as that needs no waiting.
  mutating func passOnApproved(_ context: borrowing LoopContext) {
    while !output.isEmpty {
      guard case .bytes(let count) = stream.flush(&output) else { return }
      exchange.value.record.bytesToClient += UInt64(count)
    }
    let cursor = exchange.value.responseCursor
    guard cursor.pending > 0, let connection, context.servers.contains(connection) else { return }
    guard
      case .bytes(let count) = stream.write(context.servers[connection].input, from: cursor.sent, to: cursor.approved)
    else { return }
    exchange.value.record.bytesToClient += UInt64(count)
  }

  /// Ends both connections so that what went out can not pass for the whole: no close_notify, and RST where the end
  /// of the connection would be the end of the body, or of a tunnel's direction.
  mutating func abort(_ context: inout LoopContext) -> Step {
    if exchange.value.response?.framing == .untilClose || stream.tls == nil { stream.abort() }
    if exchange.value.isTunnel, let connection { context.servers[connection].stream.abort() }
    return .close
  }

  /// The worker stops: a client that waits for nothing ends now, another with its exchange.
  mutating func stop(_ context: inout LoopContext) -> Disposition {
    if exchange.isLeased { exchange.value.endConnection() }
    guard phase == .awaiting, !exchange.isLeased || exchange.value.record.began == nil, service != .passthrough
    else { return .keep }
    sayGoodbye()
    return .close
  }

  /// Ends our direction in order, as far as that needs no waiting.
  mutating func sayGoodbye() { _ = stream.sendEnd() }

  /// Gives back everything that is not the connection itself.
  mutating func end(_ context: inout LoopContext) {
    if stream.isFlooded {
      context.counters.refusedConnections += 1
      context.noteFlood(by: peer)
    }
    if exchange.isLeased, exchange.value.record.began != nil {
      if exchange.value.record.termination == Termination() {
        exchange.value.record.termination = Termination(context.isStopping ? .killed : .client, exchange.value.phase)
      }
      logExchange(&context)
    }
    releaseServer(&context, reusing: false)
    context.exchanges.giveBack(&exchange)
    leaveAffinity(context)
    context.buffers.giveBack(&input)
    context.buffers.giveBack(&output)
  }
}
