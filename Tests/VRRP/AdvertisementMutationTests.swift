import Domain
import Properties
import Simulation
import Testing
import Wire

@testable import VRRP

/// Advertisements of every kind, mutated at random from a seed: the properties hold for any bytes.
@Suite struct `Mutated advertisements` {
  /// The reception parameters and the payload, in the form of `AdvertisementProperties`.
  private static let seeds = [
    "80 3133640100 64 0000 c0000264", "84 3133640100 64 0000 c0000264", "80 3133000100 64 0000 c0000264",
    "81 2133640100 01 0000 c0000264 0000000000000000", "89 2133640101 01 0000 c0000264 7365637265740000",
    "82 3133640100 64 0000 fe800000000000000000000000000170", "a0 3133ff0200 64 0000 c0000264 c0000265",
    "90 3133640100 64 0000 c0000264 010100006800000080000000 00000000000000000000000000000000",
  ].map(bytes)

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `the properties hold for mutated advertisements`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for round in 0..<Scale.count(1000) {
      var input = Self.seeds[round % Self.seeds.count]
      if round >= Self.seeds.count { for _ in 0...round % 3 { mutate(&input, &random) } }
      do throws(Violation) {
        try AdvertisementProperties.check(input)
      } catch {
        Issue.record("seed \(seed), round \(round): \(error)\n\(hex(input))")
        return
      }
    }
  }

  private func mutate(_ input: inout [UInt8], _ random: inout SeededGenerator) {
    let place = Int.random(in: 0...input.count, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0, 1: if place < input.count { input[place] = .random(in: 0...255, using: &random) }
    case 2: if place < input.count { input[place] ^= 1 << UInt8.random(in: 0...7, using: &random) }
    case 3: input.removeLast(min(input.count, .random(in: 0...9, using: &random)))
    default: input.insert(contentsOf: input[..<place].suffix(.random(in: 0...16, using: &random)), at: place)
    }
  }
}
