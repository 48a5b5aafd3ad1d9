import Balancing
import Linux
import Synchronization
import Wire

/// A message to a loop from other loops or the main thread.
enum LoopMessage: Sendable {
  /// A slot at a server was granted to this request.
  case granted(WaitingRequest, SharedServer)
  /// The server in whose queue this request waits accepts no more clients.
  case rerouted(RequestKey)
  /// A server accepts no more clients: its idle connections are closed.
  case serverClosed(SharedServer)
  /// It does not respond any more either: its exchanges end.
  case serverLost(SharedServer, ServerPresence)
  /// Administrative states of servers have changed; the last change has this number. For the loop of the prober.
  case adminStateChanged(number: UInt64)
  /// A failure at this server was detected: check it now. For the loop of the prober.
  case suspect(SharedServer)
  /// A loop lacks descriptors or source ports: close idle connections to servers.
  case makeRoom
  /// A server that a reload has removed has no exchanges any more. For the loop of the prober.
  case serverDropped(SharedServer)
  /// A reload keeps the loop, which may have been retiring.
  case stay
  /// Adopt another snapshot.
  case adopt(SnapshotRollout)
  /// A listening socket to accept from: at the start, and from a retiring loop.
  case inherited(HandedListener)
  /// The loop with this index has no room for a new client, and no loop so far has a client of this kind to close.
  case roomWanted(by: Int, EvictionClass)
  /// There is room for new clients again.
  case roomMade
  /// A trace has begun or ended.
  case tracesChanged
  /// Many connections have ended: return their memory to the system.
  case giveBackMemory
  /// The other nodes of the pair have sent what they know of clients, or will not. For the loop of the prober.
  case tablesReceived
  /// The servers' states are known: accept connections.
  case serve
  /// Stop accepting, close idle connections, and let the others finish until the deadline.
  case stop(deadline: Instant)
}

/// A loop's inbox: any thread adds messages; the loop takes them when it is woken, and closes the inbox when it ends.
final class Mailbox: Sendable {
  private struct State {
    var messages: [LoopMessage] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  let wakeup: Wakeup

  init() throws(SystemError) { wakeup = try Wakeup() }

  /// False if the loop has ended: it will not receive the message.
  @discardableResult
  func post(_ message: LoopMessage) -> Bool {
    let count = state.withLock { state in
      guard !state.isClosed else { return 0 }
      state.messages.append(message)
      return state.messages.count
    }
    if count == 1 { wakeup.signal() }
    return count > 0
  }

  /// Closes the inbox. False if there are unread messages.
  func close() -> Bool {
    state.withLock { state in
      state.isClosed = state.messages.isEmpty
      return state.isClosed
    }
  }

  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Takes the oldest messages. Remaining ones wake the loop again.
  func take(atMost count: Int) -> [LoopMessage] {
    wakeup.drain()
    let (taken, isEmpty) = state.withLock { state in
      guard state.messages.count > count else {
        defer { state.messages.removeAll() }
        return (state.messages, true)
      }
      defer { state.messages.removeFirst(count) }
      return (Array(state.messages.prefix(count)), false)
    }
    if !isEmpty { wakeup.signal() }
    return taken
  }
}
