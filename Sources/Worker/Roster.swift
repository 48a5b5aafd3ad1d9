import Balancing
import Synchronization
import Wire

/// The servers of one generation, by index, and which of them can be given whom at the moment.
final class Roster: Sendable {
  let servers: [SharedServer]
  private let fleet: Fleet
  private let router: Router
  private let takesNew: Atomic<UInt64>
  private let takesKnown: Atomic<UInt64>
  private let changes = Atomic<UInt64>(0)
  private let availability: Mutex<Availability>

  /// The states are those that earlier generations found.
  init(servers: [SharedServer], router: Router, fleet: Fleet) {
    var availability = Availability()
    for (index, server) in servers.enumerated() { availability.set(server.state, at: index) }
    self.servers = servers
    self.router = router
    self.fleet = fleet
    self.availability = Mutex(availability)
    takesNew = Atomic(availability.takesNew.bits)
    takesKnown = Atomic(availability.takesKnown.bits)
  }

  /// The index of a server; nil when this generation does not have it.
  func index(of server: SharedServer) -> Int? { servers.firstIndex { $0 === server } }

  /// Changes whenever a server changes its state: what was chosen before may not hold any more.
  var epoch: UInt64 { changes.load(ordering: .acquiring) }

  /// Publishes a server's state. Down: whoever waits for a place there is sent on, and idle connections are closed.
  func set(_ state: ServerState, at server: Int) {
    servers[server].become(state)
    availability.withLock { availability in
      availability.set(state, at: server)
      takesNew.store(availability.takesNew.bits, ordering: .releasing)
      takesKnown.store(availability.takesKnown.bits, ordering: .releasing)
    }
    changes.add(1, ordering: .releasing)
    guard state == .down else { return }
    fleet.post(.serverDown(servers[server]))
    while let waiting = servers[server].dequeue() {
      fleet.mailbox(of: waiting.loop).post(.rerouted(waiting.client))
    }
  }

  /// Traffic met a failure there; the first loop's prober looks at once.
  func suspect(_ server: Int) { fleet.mailbox(of: 0).post(.suspect(servers[server])) }

  /// The server for a client, nil when none can take it.
  func route(_ client: ClientKey, tried: ServerSet, at now: Instant) -> Int? {
    router.route(client, known: fleet.homes.addresses.lookup(client, at: now), availability: current, tried: tried)
  }

  /// No server is left that was not tried.
  func isExhausted(_ tried: ServerSet) -> Bool { current.takesKnown.subtracting(tried).isEmpty }

  /// Gives a place back, and tells whom it goes to.
  func leave(_ server: Int) { Roster.leave(servers[server], fleet) }

  static func leave(_ server: SharedServer, _ fleet: Fleet) {
    guard let next = server.leave() else { return }
    fleet.mailbox(of: next.loop).post(.granted(next.client, server))
  }

  private var current: Availability {
    Availability(
      takesNew: ServerSet(bits: takesNew.load(ordering: .acquiring)),
      takesKnown: ServerSet(bits: takesKnown.load(ordering: .acquiring)))
  }
}
