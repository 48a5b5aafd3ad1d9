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
  /// Another snapshot.
  case adopt(SnapshotRollout)
  /// A listening socket of a loop that retires.
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

/// A loop's letter box: any thread puts in, the loop takes out when it is woken.
final class Mailbox: Sendable {
  private let messages = Mutex<[LoopMessage]>([])
  let wakeup: Wakeup

  init() throws(SystemError) { wakeup = try Wakeup() }

  func post(_ message: LoopMessage) {
    let wasEmpty = messages.withLock { messages in
      messages.append(message)
      return messages.count == 1
    }
    if wasEmpty { wakeup.signal() }
  }

  var isEmpty: Bool { messages.withLock { $0.isEmpty } }

  /// The oldest messages. What is left wakes the loop again.
  func take(atMost count: Int) -> [LoopMessage] {
    wakeup.drain()
    let (taken, isEmpty) = messages.withLock { messages in
      guard messages.count > count else {
        defer { messages.removeAll() }
        return (messages, true)
      }
      let taken = Array(messages.prefix(count))
      messages.removeFirst(count)
      return (taken, false)
    }
    if !isEmpty { wakeup.signal() }
    return taken
  }
}
