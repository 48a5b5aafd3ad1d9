import Synchronization
import Wire

/// A thread for what may be slow or stuck (a disk, a log, systemd), so that who has something for it never waits.
/// `Waiting` is what it has yet to take, under one lock; its user bounds that, and decides what a full one loses.
public final class BackgroundWriter<Waiting: Sendable>: Sendable {
  private struct State {
    var waiting: Waiting
    /// Something was submitted and not taken yet.
    var isDue = false
    var isWriting = false
    /// Somebody waits until neither is the case.
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

  /// Starts the thread `name`. `body` takes with `next` and writes, for ever.
  public func start(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    try Thread(name: name, body: body).detach()
  }

  /// Reads or changes what waits, without telling the thread.
  public func access<Result: Sendable>(_ body: (inout Waiting) -> Result) -> Result {
    state.withLock { body(&$0.waiting) }
  }

  /// Changes what waits; where `change` returns true, there is something for the thread. Never waits for the writing.
  public func submit(_ change: (inout Waiting) -> Bool) {
    let isFirst = state.withLock { state in
      guard change(&state.waiting), !state.isDue else { return false }
      state.isDue = true
      return true
    }
    if isFirst { wakeup.signal() }
  }

  /// For the thread: what it took before is written; waits until something is due, and takes it.
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

  /// Waits until everything is written, but not beyond the deadline; false when that came first.
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
