import Balancing
import Domain
import Simulation
import Testing
import Wire

/// A site in virtual time: clients connect, the table remembers, the router chooses. `BELVEDERE_SIMULATION_SCALE=100`
/// makes it ten million clients (`make simulation`).
struct Site: ~Copyable {
  let servers: [Server]
  let router: Router
  let clients: [ClientKey]
  var table: AffinityTable
  var availability = Availability()
  var now = Instant(nanoseconds: 0)

  init(clients: Int, servers: [Server], capacity: Int? = nil, seed: UInt64) {
    print("site of \(clients) clients and \(servers.count) servers, seed \(seed)")
    var random = SeededGenerator(seed: seed)
    self.clients = Clients.unrelated(clients, seed: seed)
    self.servers = servers
    router = Router(servers: servers)
    table = AffinityTable(
      capacity: capacity ?? clients * 2, hold: .minutes(90), hash: ClientHash(seed: random.next(), random.next()))
    for index in servers.indices { availability.set(.up, at: index) }
  }

  /// Sends a client to its server, as a worker would.
  mutating func connect(_ client: ClientKey) -> Int? {
    let known = table.lookup(client, at: now)
    guard let index = router.route(client, known: known, availability: availability) else { return nil }
    table.assign(client, to: servers[index].id, at: now)
    return index
  }

  /// Every client connects once; returns the server of each.
  mutating func connectAll() -> [Int?] {
    var assigned: [Int?] = []
    assigned.reserveCapacity(clients.count)
    for client in clients { assigned.append(connect(client)) }
    return assigned
  }

  mutating func pass(_ interval: Interval) { now = now + interval }
}

@Suite struct StickinessSimulationTests {
  static let servers = [1, 1, 2, 4, 1].enumerated().map { Server(name: "view0\($0 + 1)", weight: $1) }

  @Test(arguments: [Scale.count(100_000)])
  func `only a lost server's clients move, and none with a recent session moves on its return`(size: Int) {
    var site = Site(clients: size, servers: Self.servers, seed: 11)
    let lost = 2
    let assigned = site.connectAll()
    site.pass(.minutes(5))
    site.availability.set(.down, at: lost)
    let without = site.connectAll()
    // Counts, so that a failure does not print ten million assigned.
    let moved = zip(assigned, without).count { $0 != $1 }
    print("\(moved) of \(size) clients moved, \(assigned.count { $0 == lost }) were at the lost server")
    #expect(moved == assigned.count { $0 == lost })
    #expect(without.count { $0 == lost || $0 == nil } == 0)

    site.pass(.minutes(5))
    site.availability.set(.up, at: lost)
    let back = site.connectAll()
    #expect(zip(without, back).count { $0 != $1 } == 0)

    // Once they have been silent for the hold time, they are new clients.
    site.pass(.minutes(90))
    #expect(zip(site.connectAll(), assigned).count { $0 != $1 } == 0)
  }

  @Test(arguments: [Scale.count(100_000)])
  func `a draining server keeps its clients and gets no other`(size: Int) {
    var site = Site(clients: size, servers: Self.servers, seed: 12)
    let early = size / 2
    var assigned: [Int?] = []
    for client in site.clients.prefix(early) { assigned.append(site.connect(client)) }
    site.availability.set(.drain, at: 3)
    site.pass(.minutes(30))
    let all = site.connectAll()
    #expect(zip(all, assigned).count { $0 != $1 } == 0)
    #expect(assigned.count { $0 == 3 } > 0)
    #expect(all.dropFirst(early).count { $0 == 3 } == 0)
  }

  @Test(arguments: [Scale.count(100_000)])
  func `two nodes without shared state send every client to the same server`(size: Int) {
    var one = Site(clients: size, servers: Self.servers, seed: 13)
    var other = Site(clients: size, servers: Self.servers, capacity: 10, seed: 13)
    one.availability.set(.down, at: 0)
    other.availability.set(.down, at: 0)
    #expect(zip(one.connectAll(), other.connectAll()).count { $0 != $1 } == 0)
  }

  @Test(arguments: [Scale.count(100_000)])
  func `a flood of addresses does not grow the table or evict a client with a session`(size: Int) {
    var site = Site(clients: size, servers: Self.servers, capacity: 1_000, seed: 14)
    // Assigned against the hash, so that only the table can give this server.
    let residents = (0..<200).map { ClientKey(IPAddress(v4: $0)) }
    for client in residents { _ = site.table.sessionBegan(client, on: Self.servers[4].id, at: site.now) }
    var largest = 0
    for client in site.clients {
      site.pass(.milliseconds(1))
      _ = site.connect(client)
      largest = max(largest, site.table.count)
    }
    #expect(largest == 1_000)
    for client in residents { #expect(site.connect(client) == 4) }
  }

  @Test(arguments: 21...28 as ClosedRange<UInt64>)
  func `a client seen within the hold time moves only away from an unavailable server`(
    seed: UInt64
  ) {
    var site = Site(clients: 500, servers: Self.servers, seed: seed)
    var random = SeededGenerator(seed: seed)
    var states = [ServerState](repeating: .up, count: Self.servers.count)
    var seen: [(server: Int, at: Instant)?] = Array(repeating: nil, count: site.clients.count)
    for step in 0..<20_000 {
      if Int.random(in: 0..<50, using: &random) == 0 {
        let index = Int.random(in: 0..<states.count, using: &random)
        states[index] = ServerState.allCases.randomElement(using: &random) ?? .up
        site.availability.set(states[index], at: index)
      }
      site.pass(.milliseconds(.random(in: 0..<40_000, using: &random)))
      let number = Int.random(in: 0..<site.clients.count, using: &random)
      let server = site.connect(site.clients[number])
      if let last = seen[number], site.now - last.at < .minutes(90), [.up, .drain].contains(states[last.server]) {
        #expect(server == last.server, "seed \(seed), step \(step)")
      } else {
        #expect(server.map { states[$0] == .up } ?? !states.contains(.up), "seed \(seed), step \(step)")
      }
      if let server { seen[number] = (server, site.now) }
    }
  }
}
