import Balancing
import Domain
import Simulation
import Testing
import Wire

@testable import Pair

/// The activity of clients, and the expected content of the tables.
private final class SimulatedClients {
  struct Activity {
    var node: Int
    var server: ServerID
    var time: Instant
  }

  /// Two nodes may have seen a client at the same time: within the tables' uncertainty and the time of a batch.
  static let tolerance = Interval.milliseconds(2500)
  static let servers = (1...4).map { ServerID(name: "view0\($0)") }

  let clients: [ClientKey]
  var available = Set(servers)
  /// The last visit of each client to each node.
  private var activities: [ClientKey: [Int: Activity]] = [:]
  /// The last activity of clients on a node that died before it was replicated.
  private var lost: [ClientKey: Instant] = [:]
  private var sessions: [(client: ClientKey, node: Int, session: AffinityTable.Session)] = []
  private(set) var faults: [String] = []

  init(_ count: Int) { clients = (0..<count).map { ClientKey(IPAddress(v4: UInt32($0))) } }

  /// A client connects to a node, and gets its server, or another one if that is not available.
  func visit(_ node: PairNode, at now: Instant, using random: inout SeededGenerator) {
    let client = clients[.random(in: 0..<clients.count, using: &random)]
    let known = node.server(of: client, at: now).flatMap { available.contains($0) ? $0 : nil }
    guard let server = known ?? Self.servers.filter(available.contains).randomElement(using: &random) else { return }
    if Bool.random(using: &random) {
      sessions.append((client, node.index, node.sessionBegan(client, on: server, at: now)))
    } else {
      node.assign(client, to: server, at: now)
    }
    note(client, node, at: now)
  }

  func leave(_ nodes: [PairNode], at now: Instant, using random: inout SeededGenerator) {
    guard let index = sessions.indices.randomElement(using: &random) else { return }
    let (_, node, session) = sessions.remove(at: index)
    nodes[node].sessionEnded(session, at: now)
  }

  func leaveAll(_ nodes: [PairNode], at now: Instant, using random: inout SeededGenerator) {
    while !sessions.isEmpty { leave(nodes, at: now, using: &random) }
  }

  private func note(_ client: ClientKey, _ node: PairNode, at now: Instant) {
    guard let server = node.server(of: client, at: now) else { return }
    activities[client, default: [:]][node.index] = Activity(node: node.index, server: server, time: now)
  }

  /// A node has died: its sessions have ended, and activity that was not replicated is lost.
  func lose(_ dead: PairNode, of nodes: [PairNode], at now: Instant) {
    sessions.removeAll { $0.node == dead.index }
    for (client, ofNodes) in activities {
      guard let last = ofNodes[dead.index] else { continue }
      let others = nodes.filter { $0.isUp && $0.index != dead.index }
      let isKnown = others.allSatisfy { $0.server(of: client, at: now) == last.server }
      guard !isKnown else { continue }
      activities[client] = nil
      lost[client] = last.time
    }
  }

  /// The last visit of a client, if no other node saw it at the same time.
  func last(of client: ClientKey) -> Activity? {
    guard let ofNodes = activities[client], let last = ofNodes.values.max(by: { $0.time < $1.time }) else { return nil }
    let isContested = ofNodes.values.contains { other in
      other.node != last.node && other.server != last.server && last.time - other.time < Self.tolerance
    }
    let mayBeLost = lost[client].map { last.time - $0 < Self.tolerance } ?? false
    return isContested || mayBeLost ? nil : last
  }

  /// A node has merged this batch: no older activity may have replaced its own.
  func check(_ node: PairNode, _ batch: AssignmentBatch, at now: Instant) {
    for record in batch.records {
      guard let last = last(of: record.client), last.node == node.index else { continue }
      let found = node.server(of: record.client, at: now)
      if found != last.server, faults.count < 5 {
        faults.append("\(now.milliseconds) ms: \(node.name) has \(found as Any), last was \(last)")
      }
    }
  }
}

/// Two or three nodes with clients, under random faults.
private struct FaultSimulation {
  var network: PairNetwork
  let simulatedClients: SimulatedClients
  private var files: [Int: (records: [AffinityRecord], time: Instant)] = [:]

  init(nodes: Int, clients: Int, seed: UInt64) {
    print("\(nodes) nodes, \(clients) clients, seed \(seed)")
    network = PairNetwork(nodes: nodes, capacities: Array(repeating: 2 * clients, count: nodes), seed: seed)
    network.refresh = .minutes(1)
    network.hasLaterNode = seed.isMultiple(of: 2)
    simulatedClients = SimulatedClients(clients)
    network.observe = { [simulatedClients] node, batch, now in simulatedClients.check(node, batch, at: now) }
  }

  mutating func run(for interval: Interval) {
    let simulatedClients = simulatedClients
    var nextFault = network.now
    var active = 0
    let end = network.now + interval
    while network.now < end {
      network.run(for: .milliseconds(50)) { network in
        for _ in 0..<2 {
          let index = Int.random(in: 0..<20, using: &network.random)
          let node = network.node[index < network.nodes ? index : active]
          if node.isUp { simulatedClients.visit(node, at: network.now, using: &network.random) }
          if index.isMultiple(of: 3) { simulatedClients.leave(network.node, at: network.now, using: &network.random) }
        }
      }
      guard network.now >= nextFault else { continue }
      nextFault = network.now + .milliseconds(.random(in: 200...5000, using: &network.random))
      if let other = fault() { active = other }
    }
  }

  /// A random fault of a node or of the network; possibly another node becomes active.
  private mutating func fault() -> Int? {
    let index = Int.random(in: 0..<network.nodes, using: &network.random)
    let other = (index + 1) % network.nodes
    switch Int.random(in: 0..<10, using: &network.random) {
    case 0: network.reset(index, other)
    case 1: network.cut.insert([index, other])
    case 2, 3: network.cut.remove([index, other])
    case 4: network.delay = .milliseconds([2, 20, 400].randomElement(using: &network.random) ?? 2)
    case 5: kill(index)
    case 6: boot()
    case 7:
      simulatedClients.available = Set(
        SimulatedClients.servers.shuffled(using: &network.random).dropFirst(
          Int.random(in: 0...2, using: &network.random)))
    case 8:
      let server = "view0\(Int.random(in: 1...4, using: &network.random))"
      let state = network.node[index].setWeight(
        .random(in: 0...256, using: &network.random), of: server, at: network.now)
      for peer in 0..<network.nodes where peer != index { network.tell(index, peer, .adminStates([server: state])) }
    default: return index
    }
    return nil
  }

  private mutating func kill(_ index: Int) {
    guard network.node.count(where: \.isUp) == network.nodes else { return }
    files[index] = (network.node[index].records(at: network.now), network.now)
    network.kill(index)
    simulatedClients.lose(network.node[index], of: network.node, at: network.now)
  }

  private mutating func boot() {
    for index in 0..<network.nodes where !network.node[index].isUp {
      let file = Bool.random(using: &network.random) ? files[index] : nil
      network.boot(index, restoring: file?.records ?? [], elapsed: network.now - (file?.time ?? network.now))
    }
  }

  /// All faults are repaired, and no more clients connect.
  mutating func repair() {
    network.cut = []
    network.delay = .milliseconds(5)
    boot()
    network.run(for: .seconds(20))
    simulatedClients.leaveAll(network.node, at: network.now, using: &network.random)
    network.run(for: .minutes(3), tick: .milliseconds(200))
  }
}

@Suite struct ReplicationSimulationTests {
  @Test(arguments: [2, 3], 1...UInt64(Scale.count(3)))
  func `after any faults, all nodes have the same latest assignments, and send nothing more`(nodes: Int, seed: UInt64) {
    var simulation = FaultSimulation(nodes: nodes, clients: 150, seed: seed)
    simulation.run(for: .minutes(4))
    simulation.repair()
    let network = simulation.network
    #expect(simulation.simulatedClients.faults.isEmpty, "seed \(seed)")
    let known = network.node.map { $0.assignments(at: network.now) }
    for other in known.dropFirst() {
      let differing = simulation.simulatedClients.clients.filter { known[0][$0] != other[$0] }
      #expect(differing.isEmpty, "seed \(seed)")
    }
    let lasts = simulation.simulatedClients.clients.compactMap { client in
      simulation.simulatedClients.last(of: client).map { (client, $0.server) }
    }
    #expect(!lasts.isEmpty, "seed \(seed): \(lasts.count) clients can be compared")
    let wrong = lasts.filter { known[0][$0.0] != $0.1 }
    #expect(wrong.isEmpty, "seed \(seed)")
    let states = network.node.map(\.adminStates)
    #expect(Set(states).count == 1, "seed \(seed)")
    if !network.hasLaterNode { #expect(network.mostWaiting <= PairLink.outputLimit, "seed \(seed)") }
    let kinds = network.ends.filter { if case .invalid = $0 { true } else { false } }
    #expect(kinds.isEmpty, "seed \(seed)")
    let before = network.node.map(\.bytesSent)
    simulation.network.run(for: .minutes(4), tick: .milliseconds(200))
    #expect(simulation.network.node.map(\.bytesSent) == before, "seed \(seed)")
  }

  @Test func `a node that boots gets all clients, and sends none of them back`() {
    var network = PairNetwork(nodes: 2, capacities: [20_000, 20_000], seed: 3)
    let clients = (0..<10_000).map { ClientKey(IPAddress(v4: UInt32($0))) }
    for (number, client) in clients.enumerated() {
      network.node[0].assign(client, to: SimulatedClients.servers[number % 4], at: network.now)
    }
    network.run(for: .seconds(20))
    #expect(network.node[1].assignments(at: network.now) == network.node[0].assignments(at: network.now))
    #expect(network.node[1].assignments(at: network.now).count == 10_000)
    #expect(network.node[0].snapshots == [1] && network.node[1].snapshots == [0])
    #expect(network.node[1].told[0]?.facts?.release == "lb0" && network.node[0].told[1]?.vitals == [1])
    #expect(network.node[1].bytesSent == 0)
    // The other way round after a restart.
    network.kill(0)
    network.boot(0)
    network.run(for: .seconds(20))
    #expect(network.node[0].assignments(at: network.now).count == 10_000)
    let sent = network.node.map(\.bytesSent)
    // Activity is reported by the node that saw it.
    for client in clients.prefix(1000) {
      network.node[0].assign(client, to: SimulatedClients.servers[0], at: network.now)
    }
    network.run(for: .minutes(20), tick: .milliseconds(200))
    #expect(network.node[1].bytesSent == sent[1])
    #expect(network.node[0].bytesSent > sent[0] && network.node[0].bytesSent < sent[0] + 3000 * 40)
    for client in clients.prefix(1000) {
      #expect(network.node[1].server(of: client, at: network.now) == SimulatedClients.servers[0])
    }
  }

  @Test func `a change reaches the other node within a second plus the transit time`() {
    var network = PairNetwork(nodes: 2, capacities: [100, 100], seed: 4)
    network.run(for: .seconds(20))
    for number in 0..<50 {
      let client = ClientKey(IPAddress(v4: UInt32(number)))
      network.node[number % 2].assign(client, to: SimulatedClients.servers[number % 4], at: network.now)
      network.run(for: .milliseconds(1050))
      #expect(network.node[1 - number % 2].server(of: client, at: network.now) == SimulatedClients.servers[number % 4])
    }
  }

  @Test func `wall clocks may be hours apart: once the nodes have met, the later assignment counts`() {
    var network = PairNetwork(nodes: 3, capacities: [100, 100, 100], ahead: [.hours(2), .zero, .hours(5)], seed: 8)
    network.run(for: .seconds(20))
    let client = ClientKey(IPAddress(v4: 1))
    for round in 0..<12 {
      // Apart or not, none knows of the others' assignments of the last three seconds.
      if round.isMultiple(of: 2) { network.cut = [[0, 1], [0, 2], [1, 2]] }
      for index in 0..<3 {
        network.node[(round + index) % 3].assign(client, to: SimulatedClients.servers[index], at: network.now)
        network.run(for: .milliseconds(500))
      }
      network.cut = []
      network.run(for: .seconds(3))
      for node in network.node { #expect(node.server(of: client, at: network.now) == SimulatedClients.servers[2]) }
    }
  }

  @Test func `what waited on the way is not later than what happened meanwhile`() {
    var network = PairNetwork(nodes: 2, capacities: [100, 100], seed: 7)
    network.run(for: .seconds(20))
    let client = ClientKey(IPAddress(v4: 1))
    network.cut = [[0, 1]]
    network.node[0].assign(client, to: SimulatedClients.servers[0], at: network.now)
    network.run(for: .milliseconds(2500))
    network.node[1].assign(client, to: SimulatedClients.servers[1], at: network.now)
    network.run(for: .seconds(1))
    network.cut = []
    network.run(for: .seconds(3))
    for node in network.node { #expect(node.server(of: client, at: network.now) == SimulatedClients.servers[1]) }
    #expect(network.ends.isEmpty)
  }

  @Test func `a smaller table gets the most recently active clients, and sessions stay`() {
    var network = PairNetwork(nodes: 2, capacities: [5000, 1000], seed: 5)
    network.cut = [[0, 1]]
    for number in 0..<100 as Range<UInt32> {
      _ = network.node[1].sessionBegan(
        ClientKey(IPAddress(v4: 10_000 + number)), on: SimulatedClients.servers[1], at: network.now)
    }
    for number in 0..<5000 as Range<UInt32> {
      network.node[0].assign(ClientKey(IPAddress(v4: number)), to: SimulatedClients.servers[0], at: network.now)
      if number.isMultiple(of: 50) { network.run(for: .milliseconds(20)) }
    }
    network.cut = []
    network.run(for: .seconds(30))
    let known = network.node[1].assignments(at: network.now)
    #expect(known.count == 1000)
    #expect((10_000..<10_100).allSatisfy { known[ClientKey(IPAddress(v4: $0))] == SimulatedClients.servers[1] })
    #expect((4150..<5000).allSatisfy { known[ClientKey(IPAddress(v4: $0))] == SimulatedClients.servers[0] })
    #expect(network.node[0].assignments(at: network.now).count == 5000)
  }

  @Test(arguments: [Scale.count(10_000)])
  func `a flood is bounded on every node, and the tables are equal after it`(size: Int) {
    var network = PairNetwork(nodes: 2, capacities: [size, size], seed: 6)
    network.run(for: .seconds(20))
    // Ten times as many as the queue of changes holds in each second.
    var number: UInt32 = 0
    while Int(number) < size {
      network.run(for: .milliseconds(100)) { network in
        for _ in 0..<100 where Int(number) < size {
          network.node[0].assign(
            ClientKey(IPAddress(v4: number)), to: SimulatedClients.servers[Int(number % 4)], at: network.now)
          number += 1
        }
      }
    }
    network.run(for: .seconds(30))
    print("\(size) clients: \(network.node[0].bytesSent) bytes, at most \(network.mostWaiting) waited")
    #expect(network.mostWaiting <= PairLink.outputLimit)
    #expect(network.node[1].assignments(at: network.now) == network.node[0].assignments(at: network.now))
    #expect(network.node[1].assignments(at: network.now).count == size)
  }
}
