import Domain
import Testing
import Wire

@testable import VRRP

private func at(_ seconds: UInt64) -> Instant { Instant(nanoseconds: 0) + .seconds(100 + seconds) }

private func shortfall(after history: [(ServerShortfall.Event, UInt64)]) -> ServerShortfall {
  var shortfall = ServerShortfall(delay: .seconds(5), recovery: .seconds(10))
  for (event, second) in history { _ = shortfall.handle(event, at: at(second)) }
  return shortfall
}

private let beginnings: [(String, ServerShortfall)] = [
  ("none", shortfall(after: [])),
  ("begun", shortfall(after: [(.fewer, 0)])),
  ("counting", shortfall(after: [(.fewer, 0), (.fewer, 5)])),
  ("ending", shortfall(after: [(.fewer, 0), (.fewer, 5), (.asMany, 6)])),
]

private func text(_ state: ServerShortfall.State) -> String {
  func seconds(_ instant: Instant) -> UInt64 { (instant - at(0)).milliseconds / 1000 }
  return switch state {
  case .none: "none"
  case .begun(let since): "begun at \(seconds(since))"
  case .counting: "counting"
  case .ending(let since): "ending since \(seconds(since))"
  }
}

/// The times are 4, 10, 15 and 16 seconds after the first comparison.
private let table = """
  none | 4 fewer → begun at 4
  none | 10 fewer → begun at 10
  none | 15 fewer → begun at 15
  none | 16 fewer → begun at 16
  begun | 4 asMany → none
  begun | 10 fewer → counting: bad
  begun | 10 asMany → none
  begun | 15 fewer → counting: bad
  begun | 15 asMany → none
  begun | 16 fewer → counting: bad
  begun | 16 asMany → none
  counting | 10 asMany → ending since 10
  counting | 15 asMany → ending since 15
  counting | 16 asMany → ending since 16
  ending | 10 fewer → counting
  ending | 15 fewer → counting
  ending | 16 fewer → counting
  ending | 16 asMany → none: good
  """

@Suite struct `Fewer servers than another node` {
  @Test func `count after a while, and until they have not been fewer for a while`() {
    var lines: [String] = []
    for (name, beginning) in beginnings {
      // Time does not go back: these two have seen later comparisons.
      let times: [UInt64] = ["counting", "ending"].contains(name) ? [10, 15, 16] : [4, 10, 15, 16]
      for time in times {
        for event in [ServerShortfall.Event.fewer, .asMany] {
          var shortfall = beginning
          let report = shortfall.handle(event, at: at(time)).map { $0 ? ": good" : ": bad" } ?? ""
          if shortfall != beginning { lines.append("\(name) | \(time) \(event) → \(text(shortfall.state))\(report)") }
        }
      }
    }
    #expect(lines.joined(separator: "\n") == table)
  }

  @Test(arguments: [
    (101, -50, 0, 51), (101, -253, 0, 2), (30, -50, 0, 2), (2, -50, 0, 2), (1, -50, 0, 1), (255, -50, 0, 255),
    // With another condition that fails.
    (101, -50, -40, 11), (101, -50, -60, 2), (101, -50, -253, 1),
  ])
  func `lower the priority, but not to that of a node that cannot serve`(
    configured: UInt8, weight: Int, other: Int, expected: UInt8
  ) {
    var priority = TrackedPriority(
      configured: configured,
      tracks: [
        Track(name: "servers", weight: .priority(other), recovery: .zero),
        Track(name: "fewer servers", weight: .priority(weight), recovery: .zero, canServe: true),
      ])
    priority.report(0, isGood: other == 0, at: at(0))
    priority.report(1, isGood: false, at: at(0))
    #expect(priority.effective == expected)
    #expect(priority.faults.isEmpty && priority.priorityReductions.last == "fewer servers")
    priority.report(1, isGood: true, at: at(1))
    #expect(priority.effective == max(1, configured == 255 ? 255 : Int(configured) + other))
  }
}
