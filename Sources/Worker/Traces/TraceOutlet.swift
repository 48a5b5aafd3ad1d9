import Domain
import Synchronization
import Wire
import WorkerProtocol

/// The running traces of the worker, and the way of their events to the supervisor, at a limited rate.
final class TraceOutlet: Sendable {
  private struct State {
    var running: [Running] = []
    var allowance: TraceAllowance
  }

  private struct Running {
    let order: TraceOrder
    let end: Instant
    /// Loops that do not follow it yet.
    var loopsLeft: Int
  }

  private let state: Mutex<State>
  /// False: the event was not sent.
  private let send: @Sendable (WorkerEvent) -> Bool

  init(at now: Instant, send: @escaping @Sendable (WorkerEvent) -> Bool = { _ in false }) {
    state = Mutex(State(allowance: TraceAllowance(at: now)))
    self.send = send
  }

  /// The running traces.
  var orders: [TraceOrder] { state.withLock { $0.running.map(\.order) } }

  /// Adds a trace; `loops`: how many loops will call `began`.
  func begin(_ order: TraceOrder, loops: Int, at now: Instant) {
    state.withLock { state in
      guard state.running.count < TraceOrder.limit else { return }
      state.running.append(Running(order: order, end: now + order.duration, loopsLeft: loops))
    }
  }

  /// A loop follows the trace now.
  func began(_ number: UInt32, at now: Instant, _ wall: WallTime) {
    let isLast = state.withLock { state in
      guard let index = state.running.firstIndex(where: { $0.order.number == number }) else { return false }
      state.running[index].loopsLeft -= 1
      return state.running[index].loopsLeft == 0
    }
    if isLast { report(TraceEvent(.began, at: wall), of: number, at: now) }
  }

  func end(_ number: UInt32) { state.withLock { $0.running.removeAll { $0.order.number == number } } }

  /// Called about once a second: reports what was left out. True if a trace is over.
  func tick(at now: Instant, _ wall: WallTime) -> Bool {
    let (lost, isAnyOver) = state.withLock { state in
      let before = state.running.count
      state.running.removeAll { now >= $0.end }
      return (state.running.isEmpty ? [:] : state.allowance.takeLost(), state.running.count < before)
    }
    for (number, count) in lost {
      report(TraceEvent(.lost, at: wall, [TraceEvent.Fact(.count, .number(count))]), of: number, at: now)
    }
    return isAnyOver
  }

  /// Sends an event of a trace, or counts it as lost.
  func report(_ event: TraceEvent, of number: UInt32, at now: Instant) {
    guard state.withLock({ $0.allowance.take(for: number, at: now) }) else { return }
    if !send(.traced(event, number: number)) { state.withLock { $0.allowance.lose(for: number) } }
  }
}
