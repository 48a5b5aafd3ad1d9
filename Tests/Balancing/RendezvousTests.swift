import Balancing
import Simulation
import Testing
import Wire

@Suite struct RendezvousTests {
  @Test(
    arguments: [
      ("", 0xf52a_15e9_a9b5_e89b),
      ("view01", 0xd218_d3df_a15e_d1d3),
      ("view02", 0x16ce_cb32_8c23_d933),
      ("view10", 0xa693_20e4_5a50_88ac),
      ("VIEW01", 0x3bc3_0256_b9b6_fe35),
      ("Brücke", 0xfc4c_4e14_e797_d430),
    ] as [(String, UInt64)])
  func `the ID of a server depends on its name, and is the same in every release`(name: String, id: UInt64) {
    #expect(ServerID(name: name).rawValue == id)
  }

  @Test(arguments: [
    ("192.168.1.10", "view04"), ("192.168.1.11", "view02"), ("10.0.0.1", "view04"), ("203.0.113.77", "view04"),
    ("2001:db8::1", "view04"), ("2001:db8::ffff:1", "view04"), ("2001:db8:0:1::1", "view04"), ("0.0.0.0", "view01"),
    ("255.255.255.255", "view03"), ("::ffff:192.168.1.11", "view02"),
  ])
  func `the server of a client is the same in every release`(client: String, server: String) throws {
    let servers = [("view01", 1), ("view02", 1), ("view03", 2), ("view04", 10)].map { Server(name: $0, weight: $1) }
    let winner = Rendezvous.winner(for: ClientKey(try IPAddress(parsing: client)), among: servers)
    #expect(winner.map { servers[$0].id } == ServerID(name: server))
    let reversed = Array(servers.reversed())
    let mirror = Rendezvous.winner(for: ClientKey(try IPAddress(parsing: client)), among: reversed)
    #expect(mirror.map { reversed[$0].id } == ServerID(name: server), "the order of servers must not matter")
  }

  @Test(arguments: [
    [1, 1], [1, 2], [1, 10], [256, 1], [1, 1, 1], [3, 100, 256, 1, 7, 7, 7, 50], Array(repeating: 5, count: 64),
  ])
  func `each server gets clients in proportion to its weight`(weights: [Int]) {
    let servers = weights.enumerated().map { Server(name: "view\($0)", weight: $1) }
    let total = Double(weights.reduce(0, +))
    for (kind, clients) in [
      ("neighbours", Clients.neighbours(40_000)), ("unrelated", Clients.unrelated(40_000, seed: 1)),
    ] {
      var counts = [Int](repeating: 0, count: servers.count)
      for client in clients { counts[Rendezvous.winner(for: client, among: servers) ?? 0] += 1 }
      for (index, weight) in weights.enumerated() {
        let share = Double(weight) / total
        let expected = share * Double(clients.count)
        let deviation = (expected * (1 - share)).squareRoot()
        #expect(abs(Double(counts[index]) - expected) < 4.5 * deviation, "\(kind): \(counts) for \(weights)")
      }
    }
  }

  @Test func `removing a server moves only its clients, and adding it again moves them back`() {
    let servers = (0..<8).map { Server(name: "view\($0)", weight: 1 + $0 * 3) }
    for client in Clients.unrelated(20_000, seed: 2) {
      let before = Rendezvous.winner(for: client, among: servers).map { servers[$0].id }
      let fewer = Array(servers.dropLast())
      let after = Rendezvous.winner(for: client, among: fewer).map { fewer[$0].id }
      #expect(after == before || before == servers[7].id)
    }
  }

  @Test func `raising a weight moves the difference of the shares, and only to that server`() {
    let before = (0..<4).map { Server(name: "view\($0)", weight: 10) }
    let after = (0..<4).map { Server(name: "view\($0)", weight: $0 == 2 ? 20 : 10) }
    let clients = Clients.unrelated(40_000, seed: 3)
    var moved = 0
    for client in clients {
      let (old, new) = (Rendezvous.winner(for: client, among: before), Rendezvous.winner(for: client, among: after))
      if old == new { continue }
      #expect(new == 2)
      moved += 1
    }
    // 2/5 − 1/4 of the clients.
    let expected = 0.15 * Double(clients.count)
    #expect(abs(Double(moved) - expected) < 4.5 * (expected * 0.85).squareRoot(), "\(moved) moved")
  }

  @Test func `there is no winner without candidates`() {
    #expect(Rendezvous(for: ClientKey(IPAddress(v4: 1))).winner == nil)
  }
}

extension Rendezvous {
  static func winner(for client: ClientKey, among servers: [Server]) -> Int? {
    var race = Rendezvous(for: client)
    for (index, server) in servers.enumerated() { race.enter(server.id, weight: server.weight, index: index) }
    return race.winner
  }
}

/// Client populations for statistics and simulations.
enum Clients {
  /// Consecutive addresses, as of one subnet.
  static func neighbours(_ count: Int) -> [ClientKey] {
    (0..<UInt32(count)).map { ClientKey(IPAddress(v4: 0x0a00_0000 + $0)) }
  }

  /// Distinct random addresses, half of them IPv6.
  static func unrelated(_ count: Int, seed: UInt64) -> [ClientKey] {
    var random = SeededGenerator(seed: seed)
    let start = UInt32(truncatingIfNeeded: random.next())
    return (0..<count).map { index in
      // An odd step visits every IPv4 address once before it comes back.
      index % 2 == 0
        ? ClientKey(IPAddress(v4: start &+ UInt32(truncatingIfNeeded: index) &* 0x9e37_79b9))
        : ClientKey(IPAddress(v6High: random.next(), low: 1))
    }
  }
}
