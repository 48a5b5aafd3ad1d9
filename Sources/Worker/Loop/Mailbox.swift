import Balancing
import Linux
import Synchronization
import Wire

/// What one loop is told by the others and by the main thread.
enum LoopMessage: Sendable {
  /// A place at a server is free for this client.
  case granted(WaitingClient, SharedServer)
  /// The server that this client waits for takes nobody any more.
  case rerouted(SlabKey)
  /// A server takes nobody any more: its idle connections are closed.
  case serverClosed(SharedServer)
  /// It does not answer any more either: its exchanges end.
  case serverLost(SharedServer, ServerPresence)
  /// Operators want something else of servers, and the last of it has this number. For the loop that probes.
  case adminStateChanged(number: UInt64)
  /// Traffic met a failure at this server: check it now. For the loop that probes.
  case suspect(SharedServer)
  /// A loop lacks descriptors or source ports: what is idle makes room.
  case makeRoom
  /// Nothing runs any more at a server that a reload has removed. For the loop that probes.
  case serverDropped(SharedServer)
  /// A reload needs the loop, and may have let it retire before.
  case stay
  /// Another snapshot.
  case adopt(SnapshotRollout)
  /// A listening socket to accept from: at the start, and of a loop that retires.
  case inherited(HandedListener)
  /// That loop has no room for a client that waits, and no loop asked so far has a client of this kind, who could make it.
  case roomWanted(by: Int, Dispensable)
  /// There is room again.
  case roomMade
  /// A crowd has gone: what it needed goes back to the system.
  case giveBackMemory
  /// The servers' states are known: accept.
  case serve
  /// Accept no more, end idle connections, finish the others until then.
  case stop(deadline: Instant)
}

/// A loop's inbox: any thread puts in, the loop takes out when it is woken, and closes it when it ends.
final class Mailbox: Sendable {
  private struct State {
    var messages: [LoopMessage] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  let wakeup: Wakeup

  init() throws(SystemError) { wakeup = try Wakeup() }

  /// False: the loop has ended, and does not learn of it.
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

  /// Takes no more messages from here on. False: one is waiting to be read first.
  func close() -> Bool {
    state.withLock { state in
      state.isClosed = state.messages.isEmpty
      return state.isClosed
    }
  }

  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// The oldest messages. What is left wakes the loop again.
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
