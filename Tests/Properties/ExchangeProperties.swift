import Exchange
import HTTP1
import Wire

/// What holds for an exchange whatever its client, its server and time do, in whatever order: every request is answered
/// once, logged once, and sent to a second server only where it may be; a place and a connection are held exactly while the
/// state says so; and no state is left without a deadline, so that an exchange of which nobody is heard any more ends.
///
/// Each byte of the input is a choice: what happens next, and how. `make simulation` and `make test` choose by a seed,
/// the fuzzer as it likes.
package enum ExchangeProperties {
  /// More than the retries, pauses and time-outs of one exchange.
  private static let mostTimers = 500

  package static func check(_ input: [UInt8]) throws(Violation) {
    do throws(Violation) {
      try check(SimulatedExchange(input))
    } catch {
      // Once more, to tell what had happened.
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
    // Nobody is heard any more.
    var timers = 0
    while test.isOpen {
      timers += 1
      try require(timers < mostTimers, "still \(test.stateName) after \(timers) time-outs")
      try test.letTimerFire()
    }
    try test.checkEnd()
  }
}
