import Balancing
import Domain
import Simulation
import Testing
import Wire

@Suite struct RouterTests {
  let servers = [
    Server(name: "view01"), Server(name: "view02", weight: 3), Server(name: "view03", weight: 0),
    Server(name: "spare01", isBackup: true), Server(name: "spare02", isBackup: true),
  ]

  func availability(_ states: [ServerState]) -> Availability {
    var availability = Availability()
    for (index, state) in states.enumerated() { availability.set(state, at: index) }
    return availability
  }

  /// The servers to which any of the clients is sent.
  func targets(
    _ states: [ServerState], known: Int? = nil, tried: [Int] = []
  ) -> Set<Int?> {
    let router = Router(servers: servers)
    var set = ServerSet()
    for index in tried { set.insert(index) }
    let availability = availability(states)
    let known = known.map { servers[$0].id }
    return Set(
      Clients.neighbours(200).map { router.route($0, known: known, availability: availability, tried: set) })
  }

  @Test(
    arguments: [
      ([.up, .up, .up, .up, .up], [0, 1]),
      ([.down, .up, .up, .up, .up], [1]),
      ([.drain, .up, .up, .up, .up], [1]),
      ([.maintenance, .up, .up, .up, .up], [1]),
      ([.down, .drain, .up, .up, .up], [3, 4]),
      ([.down, .down, .down, .down, .up], [4]),
      ([.down, .down, .up, .drain, .maintenance], [nil]),
    ] as [([ServerState], Set<Int?>)])
  func `a new client goes to primaries that are up and have a weight, or else to the backups`(
    states: [ServerState], expected: Set<Int?>
  ) {
    #expect(targets(states) == expected)
    let candidates = Router(servers: servers).candidates(
      availability: availability(states), tried: ServerSet(), suspected: ServerSet())
    #expect(Set(servers.indices.filter(candidates.contains).map(Optional.some)) == expected.subtracting([nil]))
  }

  @Test(
    arguments: [
      (0, .up, [0]), (0, .drain, [0]), (0, .down, [1]), (0, .maintenance, [1]),
      (2, .up, [2]), (2, .drain, [2]), (2, .down, [0, 1]),
      (3, .up, [3]), (3, .drain, [3]), (3, .down, [0, 1]),
    ] as [(Int, ServerState, Set<Int?>)])
  func `a known client stays while its server takes known clients, even with weight 0 or as a backup`(
    known: Int, state: ServerState, expected: Set<Int?>
  ) {
    var states = [ServerState](repeating: .up, count: 5)
    states[known] = state
    #expect(targets(states, known: known) == expected)
  }

  @Test(
    arguments: [
      ([0], nil, [1]), ([1], 1, [0]), ([0, 1], nil, [3, 4]), ([0, 1, 3], 0, [4]), ([0, 1, 3, 4], 0, [nil]),
      ([], 2, [2]),
    ] as [([Int], Int?, Set<Int?>)])
  func `a server that was tried is not tried again`(tried: [Int], known: Int?, expected: Set<Int?>) {
    #expect(targets([.up, .up, .up, .up, .up], known: known, tried: tried) == expected)
  }

  // Two primaries up, then also more of them; backups in the last.
  @Test(
    arguments: [
      (2, [0], [1]), (2, [0, 1], [0, 1]), (3, [0, 1], [0, 1, 2]), (3, [2], [0, 1]), (70, [69], Set(0..<69)),
    ] as [(Int, [Int], Set<Int>)])
  func `a suspected server gets no new clients while at least half of the servers remain`(
    count: Int, suspected: [Int], expected: Set<Int>
  ) {
    let servers = (0..<count).map { Server(name: "view\($0)") } + [Server(name: "spare", isBackup: true)]
    let router = Router(servers: servers)
    var set = ServerSet()
    for index in suspected { set.insert(index) }
    let all = Availability(of: servers.count) { _ in .up }
    let found = Clients.neighbours(20 * count).map {
      router.route($0, known: nil, availability: all, suspected: set)
    }
    #expect(Set(found.compactMap { $0 }) == expected)
    let known = servers[suspected[0]].id
    #expect(router.route(ClientKey(IPAddress(v4: 7)), known: known, availability: all, suspected: set) == suspected[0])
  }

  @Test func `a client of a server that left the configuration is a new client`() {
    let router = Router(servers: servers)
    let availability = availability([.up, .down, .down, .down, .down])
    let client = ClientKey(IPAddress(v4: 7))
    #expect(router.route(client, known: ServerID(name: "gone"), availability: availability) == 0)
    #expect(Router(servers: []).route(client, known: nil, availability: availability) == nil)
  }

  @Test func `a server whose two state words differ has the lesser state`() {
    var words = Availability(takesNew: ServerSet(bits: 0b11), takesKnown: ServerSet(bits: 0b01))
    #expect(words.takesNew == ServerSet(bits: 0b01))
    words.set(.drain, at: 0)
    #expect(words.takesNew.isEmpty && words.takesKnown.contains(0))
  }

  @Test(arguments: [1, 63, 64, 65, 127, 128, 129, 1000, ServerSet.capacity])
  func `every one of many servers is found, and the last is chosen if it is the only one`(count: Int) {
    let many = (0..<count).map { Server(name: "view\($0)") }
    let router = Router(servers: many)
    var last = ServerSet()
    last.insert(count - 1)
    let client = ClientKey(IPAddress(v4: 1))
    let availability = Availability(takesNew: last, takesKnown: ServerSet(first: count))
    #expect(router.route(client, known: nil, availability: availability) == count - 1)
    for index in many.indices {
      #expect(router.route(client, known: many[index].id, availability: availability) == index)
    }
    let all = Availability(takesNew: ServerSet(first: count), takesKnown: ServerSet(first: count))
    #expect(router.route(client, known: nil, availability: all, tried: ServerSet(first: count)) == nil)
    #expect(router.route(client, known: nil, availability: all, tried: ServerSet(first: count - 1)) == count - 1)
    #expect(router.route(client, known: nil, availability: Availability()) == nil)
  }

  /// Against the standard library's set, by seed.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func `a server set behaves as a set, for any number of servers`(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let count = [64, 65, 200, ServerSet.capacity].randomElement(using: &generator) ?? 64
    var (one, other) = (ServerSet(), ServerSet())
    var (plainOne, plainOther) = (Set<Int>(), Set<Int>())
    for _ in 0..<500 {
      let index = Int.random(in: 0..<count, using: &generator)
      switch Int.random(in: 0..<5, using: &generator) {
      case 0:
        one.remove(index)
        plainOne.remove(index)
      case 1:
        other.remove(index)
        plainOther.remove(index)
      case 2:
        other.insert(index)
        plainOther.insert(index)
      default:
        one.insert(index)
        plainOne.insert(index)
      }
      #expect(one.contains(index) == plainOne.contains(index))
      expect(one, is: plainOne)
      expect(one.intersection(other), is: plainOne.intersection(plainOther))
      expect(one.subtracting(other), is: plainOne.subtracting(plainOther))
    }
    for index in 0..<count {
      one.remove(index)
      other.remove(index)
    }
    #expect(one == ServerSet() && other == one)
  }

  @Test(arguments: [0, 5, 64, 65, 300] as [Int])
  func `states set at once equal those set one after the other`(count: Int) {
    let states = (0..<count).map { ServerState.allCases[$0 % 4] }
    #expect(Availability(of: count) { states[$0] } == availability(states))
  }

  private func expect(_ set: ServerSet, is plain: Set<Int>) {
    var found: [Int] = []
    set.forEach { found.append($0) }
    #expect(found == plain.sorted() && set.count == plain.count && set.isEmpty == plain.isEmpty)
    var again = ServerSet()
    for index in plain { again.insert(index) }
    #expect(set == again)
  }
}
