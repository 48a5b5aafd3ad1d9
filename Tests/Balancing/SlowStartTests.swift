import Domain
import Simulation
import Testing
import Wire

@testable import Balancing

@Suite struct SlowStartTests {
  let start = Instant(nanoseconds: 1_000_000_000_000)

  // States one second apart: U up, R drain, D down, M maintenance; which of them began a slow start.
  @Test(arguments: [
    ("U", nil), ("DU", nil), ("DRU", nil), ("UDU", 2), ("UDRU", 3), ("UMU", 2), ("UMRU", 3), ("URU", nil), ("UDURU", 2),
    ("UDUDU", 4), ("RDU", 2), ("MU", nil),
  ])
  func `a slow start begins when a server that has taken clients is up again after down or maintenance`(
    states: String, expected: Int?
  ) {
    var slowStart = SlowStart()
    var hasTakenClients = false
    for (second, letter) in states.enumerated() {
      let state: ServerState =
        switch letter {
        case "U": .up
        case "R": .drain
        case "D": .down
        default: .maintenance
        }
      if state == .up || state == .drain { hasTakenClients = true }
      slowStart.became(state, hasTakenClients: hasTakenClients, at: start + .seconds(UInt64(second)))
    }
    #expect(slowStart.began == expected.map { start + .seconds(UInt64($0)) })
  }

  @Test(
    arguments: [(0, 1), (299, 128), (300, 128), (599, 256), (600, 256), (100_000, 256)] as [(UInt64, Int)])
  func `the share grows from 1/256 to the whole in proportion to the time`(second: UInt64, share: Int) {
    #expect(SlowStart.share(began: start, lasting: .seconds(600), at: start + .seconds(second)) == share)
  }

  @Test func `there is a share for any duration, also before the slow start`() {
    for duration in [0, 1, 100, 255, 256, 1000, .max] as [UInt64] {
      for elapsed in [0, 1, 99, 255, 999, .max / 2, .max] as [UInt64] {
        let share = SlowStart.share(
          began: Instant(nanoseconds: 0), lasting: Interval(nanoseconds: duration), at: Instant(nanoseconds: elapsed))
        #expect(1...SlowStart.whole ~= share, "\(elapsed) of \(duration)")
      }
    }
    #expect(SlowStart.share(began: start, lasting: .seconds(600), at: Instant(nanoseconds: 0)) == 1)
  }

  @Test func `during a slow start new clients come in proportion, and none of them leaves`() {
    let router = Router(servers: [Server(name: "view01"), Server(name: "view02", weight: 2), Server(name: "view03")])
    let all = Availability(of: 3) { _ in .up }
    let clients = Clients.unrelated(20_000, seed: 21)
    var won: Set<Int> = []
    for share in [1, 32, 128, 255, 256] {
      var now: Set<Int> = []
      for (index, client) in clients.enumerated() {
        let plain = router.route(client, known: nil, availability: all)
        let server = router.route(client, known: nil, availability: all) { $0 == 1 ? share : SlowStart.whole }
        if server == 1 { now.insert(index) }
        #expect(server == 1 || plain == server || plain == 1, "the others' clients are where they would be without it")
      }
      #expect(won.isSubset(of: now))
      won = now
      let weight = 2 * Double(share) / Double(SlowStart.whole)
      let expected = weight / (weight + 2) * Double(clients.count)
      #expect(abs(Double(now.count) - expected) < 4.5 * expected.squareRoot(), "\(now.count) with \(share)")
    }
  }

  @Test func `a slow start does not affect the only available server or known clients`() {
    let servers = [Server(name: "view01"), Server(name: "view02"), Server(name: "spare01", isBackup: true)]
    let router = Router(servers: servers)
    let alone = Availability(of: 3) { $0 == 1 ? .down : .up }
    let all = Availability(of: 3) { _ in .up }
    for client in Clients.neighbours(200) {
      #expect(router.route(client, known: nil, availability: alone) { _ in 1 } == 0)
      #expect(router.route(client, known: servers[0].id, availability: all) { $0 == 0 ? 1 : SlowStart.whole } == 0)
    }
  }
}
