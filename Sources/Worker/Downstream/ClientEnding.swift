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
  mutating func startLingering(_ context: inout LoopContext) {
    context.buffers.giveBack(&output)
    context.exchanges.giveBack(&exchange)
    phase = .lingering
    since = context.now
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

  /// What waits to go out, and then the first bytes received from the server, as far as that needs no waiting.
  mutating func passOn(_ approvedBytes: Int, _ context: borrowing LoopContext) {
    while !output.isEmpty {
      guard case .bytes(let count) = stream.flush(&output) else { return }
      exchange.value.delivered(count, at: context.now)
    }
    guard approvedBytes > 0, let connection, context.servers.contains(connection) else { return }
    let outgoing = stream.write(context.servers[connection].input, from: 0, to: approvedBytes)
    if case .bytes(let count) = outgoing { exchange.value.delivered(count, at: context.now) }
  }

  /// The worker stops: a client that waits for nothing ends now, another with its exchange.
  mutating func stop(_ context: inout LoopContext) -> Disposition {
    guard phase == .open else { return .keep }
    if exchange.isLeased { return react(to: .stop, &context) == .close ? .close : .keep }
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
    if exchange.isLeased { _ = react(to: .abandoned(isStopping: context.isStopping), &context) }
    dropConnection(&context)
    context.exchanges.giveBack(&exchange)
    leaveAffinity(context)
    context.buffers.giveBack(&input)
    context.buffers.giveBack(&output)
  }
}
