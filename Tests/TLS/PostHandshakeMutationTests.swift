import Properties
import Simulation
import Testing

/// Records of every kind in any order and number, from a seed: the properties hold after any handshake.
struct PostHandshakeMutationTests {
  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `the properties hold for arbitrary records after a handshake`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for round in 0..<Scale.count(25) {
      let input = script(&random)
      do throws(Violation) {
        try PostHandshakeProperties.check(input)
      } catch {
        Issue.record("seed \(seed), round \(round): \(error)\n\(input)")
        return
      }
    }
  }

  /// As `PostHandshakeProperties` has it: who and which version, then commands.
  private func script(_ random: inout SeededGenerator) -> [UInt8] {
    var input = [UInt8.random(in: 0...3, using: &random)]
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      // Most are sent once or twice: one that fails the connection ends the run.
      let times = [0, 0, 0, 1, 1, 2, 3].randomElement(using: &random) ?? 0
      let content = (0..<Int.random(in: 0...24, using: &random)).map { _ in UInt8.random(in: 0...30, using: &random) }
      input += [UInt8.random(in: 0...15, using: &random) | UInt8(times) << 6, UInt8(content.count)] + content
    }
    return input
  }
}
