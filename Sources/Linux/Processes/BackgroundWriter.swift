import Synchronization
import Wire

/// A thread for output that may block (a disk, a log, systemd), so that its users never wait. `Waiting` is the pending
/// work, under one lock; its user bounds it, and chooses what to drop when full.
public final class BackgroundWriter<Waiting: Sendable>: Sendable {
  private struct State {
    var waiting: Waiting
    /// Whether work was submitted that the thread has not taken.
    var isDue = false
    var isWriting = false
    /// Whether a `flush` is waiting.
    var isFlushing = false
  }

  private let state: Mutex<State>
  private let wakeup: Wakeup
  private let completion: Wakeup

  /// Nothing is written before `start`.
  public init(_ waiting: Waiting) throws(SystemError) {
    state = Mutex(State(waiting: waiting))
    wakeup = try Wakeup()
    completion = try Wakeup()
  }

  /// Starts the thread `name`. `body` must loop forever, taking work with `next` and writing it.
  public func start(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    try Thread(name: name, body: body).detach()
  }

  /// Reads or changes the pending work without waking the thread.
  public func access<Result: Sendable>(_ body: (inout Waiting) -> Result) -> Result {
    state.withLock { body(&$0.waiting) }
  }

  /// Changes the pending work and wakes the thread when `change` returns true. Does not wait for the writing.
  public func submit(_ change: (inout Waiting) -> Bool) {
    let isFirst = state.withLock { state in
      guard change(&state.waiting), !state.isDue else { return false }
      state.isDue = true
      return true
    }
    if isFirst { wakeup.signal() }
  }

  /// For the thread: marks the previous work as written, waits for new work and takes it.
  public func next<Taken: Sendable>(_ take: (inout Waiting) -> Taken) -> Taken {
    let isFlushing = state.withLock { state in
      state.isWriting = false
      return state.isFlushing
    }
    if isFlushing { completion.signal() }
    wakeup.wait()
    return state.withLock { state in
      state.isDue = false
      state.isWriting = true
      return take(&state.waiting)
    }
  }

  /// Waits until everything is written; false when the deadline passes first.
  @discardableResult
  public func flush(until deadline: Instant) -> Bool {
    completion.wait(until: deadline) {
      state.withLock { state in
        state.isFlushing = true
        return !state.isDue && !state.isWriting
      }
    }
  }
}
