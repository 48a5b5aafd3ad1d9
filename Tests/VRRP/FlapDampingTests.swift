import Domain
import Testing
import Wire

@testable import VRRP

/// A host that can send unsigned advertisements makes a node Active and Backup alternately; the rate is limited.
@Suite struct `Forged advertisements` {
  /// What is forged in each round, and the length of a round in milliseconds.
  private static let forgeries: [(name: String, interval: UInt16, last: UInt8?, round: UInt64)] = [
    ("200 and 0", 1, 0, 20), ("200 and 0, every second", 100, 0, 700), ("200, and silence", 1, nil, 60),
  ]

  @Test(arguments: 0..<3 as Range<Int>)
  func `role changes caused by forged advertisements are limited`(index: Int) {
    let forgery = Self.forgeries[index]
    var node = SingleRouter.active()
    var notes: [RouterNote] = []
    let began = node.now
    while node.now < began + .minutes(2) {
      node.hear(200, interval: forgery.interval)
      notes += node.notes
      if let last = forgery.last {
        node.hear(last, interval: forgery.interval)
        notes += node.notes
      }
      node.pass(forgery.round)
      notes += node.notes
    }
    let changes = notes.count { $0.newRole == .active }
    // The allowance, the take-overs that leak in two minutes, and those that the shortest wait allows.
    #expect(changes <= 17 + 24 + 34, "\(forgery.name)")
    #expect(notes.contains { if case .restless = $0 { true } else { false } }, "\(forgery.name)")
    #expect(notes.count { if case .restless = $0 { true } else { false } } <= 25)
  }

  @Test func `after forged advertisements end, takeovers are quick again`() {
    var node = SingleRouter.active()
    for _ in 0..<200 {
      node.hear(200, interval: 1)
      node.hear(0, interval: 1)
      node.pass(20)
    }
    node.pass(seconds: 120, hearing: 200)
    node.hear(0)
    // Skew_Time: (256 - 101) / 256 s.
    node.pass(610)
    #expect(node.router.role == .active)
  }

  @Test func `an Active that leaves and returns repeatedly is succeeded without damping`() {
    var node = SingleRouter.active()
    for round in 0..<30 {
      node.hear(200)
      node.pass(seconds: 5, hearing: 200)
      node.hear(0)
      node.pass(610)
      #expect(node.router.role == .active, "round \(round)")
    }
  }
}
