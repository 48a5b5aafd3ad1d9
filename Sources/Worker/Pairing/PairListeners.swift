import Linux
import Wire

/// The sockets where other nodes connect. Accepting is limited, so that untrusted peers take no processor from the loops.
struct PairListeners: ~Copyable {
  private var sockets: [SharedDescriptor] = []
  /// Connections may be waiting.
  private var mayAccept = false
  /// 8,000 connections a second.
  private var quota = WindowQuota(64)

  mutating func add(_ listener: HandedListener, _ poller: borrowing Poller) throws(SystemError) {
    let socket = SharedDescriptor(listener.takeDescriptor())
    try poller.watch(socket.descriptor, token: PairToken(.listener).rawValue)
    sockets.append(socket)
    mayAccept = true
  }

  /// Handles an event of one of them.
  mutating func becameReady() { mayAccept = true }

  /// When to accept again although there is no event.
  var deadline: Instant { mayAccept ? quota.windowEnd : .distantFuture }

  /// The next connection; nil if there is none, or after an error, for now.
  mutating func accept(at now: Instant) throws(SystemError) -> Accepted? {
    guard mayAccept, quota.refill(at: now) else { return nil }
    quota.take(1)
    do throws(SystemError) {
      for socket in sockets {
        if let accepted = try Socket.accept(from: socket.descriptor) { return accepted }
      }
    } catch {
      quota.close(at: now)
      throw error
    }
    mayAccept = false
    return nil
  }
}
