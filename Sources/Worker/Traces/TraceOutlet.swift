import Domain
import Synchronization
import Wire
import WorkerProtocol

/// The running traces of the worker, and the way of their events to the supervisor, at a limited rate.
final class TraceOutlet: Sendable {
  private struct State {
    var running: [Running] = []

    /// Changes a trace; nil if it is over.
    mutating func change<Result>(_ number: UInt32, _ change: (inout Running) -> Result) -> Result? {
      guard let index = running.firstIndex(where: { $0.order.number == number }) else { return nil }
      return change(&running[index])
    }
  }

  private struct Running {
    let order: TraceOrder
    let end: Instant
    /// Loops that do not follow it yet.
    var loopsLeft: Int
    var allowance: TraceAllowance
  }

  private let state = Mutex(State())
  /// False: the event was not sent.
  private let send: @Sendable (WorkerEvent) -> Bool

  init(send: @escaping @Sendable (WorkerEvent) -> Bool = { _ in false }) { self.send = send }

  /// The running traces.
  var orders: [TraceOrder] { state.withLock { $0.running.map(\.order) } }

  /// Adds a trace; `loops`: how many loops will call `began`.
  func begin(_ order: TraceOrder, loops: Int, at now: Instant) {
    state.withLock { state in
      guard state.running.count < TraceOrder.limit else { return }
      state.running.append(
        Running(
          order: order, end: now + order.duration, loopsLeft: loops, allowance: TraceAllowance(at: now)))
    }
  }

  /// A loop follows the trace now.
  func began(_ number: UInt32, at now: Instant, _ wall: WallTime) {
    let isLast = state.withLock { state in
      state.change(number) { trace in
        trace.loopsLeft -= 1
        return trace.loopsLeft == 0
      }
    }
    if isLast == true { report(TraceEvent(.began, at: wall), of: number, at: now) }
  }

  func end(_ number: UInt32) { state.withLock { $0.running.removeAll { $0.order.number == number } } }

  /// Called about once a second: reports how many events were left out, which takes nothing of what may be reported.
  /// True if a trace is over.
  func tick(at now: Instant, _ wall: WallTime) -> Bool {
    let (lost, isAnyOver) = state.withLock { state in
      let lost = state.running.indices.map {
        (number: state.running[$0].order.number, count: state.running[$0].allowance.takeLost())
      }
      let before = state.running.count
      state.running.removeAll { now >= $0.end }
      return (lost.filter { $0.count > 0 }, state.running.count < before)
    }
    for (number, count) in lost {
      let event = TraceEvent(.lost, at: wall, [TraceEvent.Fact(.count, .number(count))])
      if !send(.traced(event, number: number)) { lose(count, of: number) }
    }
    return isAnyOver
  }

  /// Sends an event of a trace, or counts it as lost.
  func report(_ event: TraceEvent, of number: UInt32, at now: Instant) {
    guard state.withLock({ $0.change(number) { $0.allowance.take(at: now) } }) == true else { return }
    if !send(.traced(event, number: number)) { lose(1, of: number) }
  }

  private func lose(_ count: UInt64, of number: UInt32) {
    _ = state.withLock { $0.change(number) { $0.allowance.lose(count) } }
  }
}
