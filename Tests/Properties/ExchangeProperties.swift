import Exchange
import HTTP1
import Wire

/// Properties of an exchange under any sequence of events from client, server and clock: every request is answered
/// once, logged once, and sent to a second server only if that is allowed; a place and a connection are held exactly
/// while the state says so; and every state has a deadline, so that an exchange without further events ends.
///
/// Each byte of the input selects the next event. `make simulation` and `make test` generate the input from a seed,
/// the fuzzer by its coverage.
package enum ExchangeProperties {
  /// More than the retries, pauses and time-outs of one exchange.
  private static let mostTimers = 500

  package static func check(_ input: [UInt8]) throws(Violation) {
    do throws(Violation) {
      try check(SimulatedExchange(input))
    } catch {
      // Once more, to print the events.
      var told = SimulatedExchange(input)
      told.history = []
      try check(told)
      throw error
    }
  }

  private static func check(_ exchange: SimulatedExchange) throws(Violation) {
    var test = exchange
    do throws(Violation) {
      try run(&test)
    } catch {
      throw Violation("\(error): \((test.history ?? []).suffix(20).joined(separator: ", "))")
    }
  }

  private static func run(_ test: inout SimulatedExchange) throws(Violation) {
    while test.hasChoices, test.isOpen { try test.step() }
    // No further events.
    var timers = 0
    while test.isOpen {
      timers += 1
      try require(timers < mostTimers, "still \(test.stateName) after \(timers) time-outs")
      try test.letTimerFire()
    }
    try test.checkEnd()
  }
}
