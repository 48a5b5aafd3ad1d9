import Control
import Domain
import WorkerProtocol

/// Counters since the service started: what the present worker has reported last, and what the workers before it had.
///
/// A worker is not trusted: sums saturate, a counter that it reports as smaller than before keeps its value, and only
/// servers and services of the configuration are counted, and `loopLimit` loops.
struct CounterTotals {
  /// One set of counters.
  private struct Total<Counts: CounterSet> {
    private var earlier = Counts()
    private var latest = Counts()

    mutating func note(_ counts: Counts) { latest.grow(to: counts) }

    mutating func workerEnded() {
      earlier.add(latest)
      latest = Counts()
    }

    var value: Counts {
      var sum = earlier
      sum.add(latest)
      return sum
    }
  }

  /// The counters in `Load`.
  private struct LoadCounts: CounterSet {
    var requests: UInt64 = 0
    var accepted: UInt64 = 0
    var refused = RefusedCounts()
    var datagrams = DatagramCounts()

    init() {}

    init(_ load: Load) {
      requests = load.requests
      accepted = load.accepted
      refused = load.refused
      datagrams = load.datagrams
    }

    mutating func forEach(with other: LoadCounts, _ change: (StaticString, inout UInt64, UInt64) -> Void) {
      change("requests", &requests, other.requests)
      change("accepted", &accepted, other.accepted)
      refused.forEach(with: other.refused, change)
      datagrams.forEach(with: other.datagrams, change)
    }
  }

  private struct Service {
    var connections: UInt64 = 0
    var clients: UInt64 = 0
    var counts = Total<ServiceCounts>()
  }

  /// The most event loops of a worker (`threads`).
  static let loopLimit = 256

  /// Nil until a worker has reported it.
  private var servers: [ServerIdentity: Total<ServerCounts>?] = [:]
  private var services: [String: Service] = [:]
  private var load = Total<LoadCounts>()
  private var worker = Total<WorkerCounts>()
  private var loops: [Total<LoopCounts>] = []
  private var workers: UInt64 = 0

  /// Counts these servers and services from now on, and forgets others.
  mutating func keep(_ identities: Set<ServerIdentity>, _ names: Set<String>) {
    servers = servers.filter { identities.contains($0.key) }
    for identity in identities where servers[identity] == nil { servers.updateValue(nil, forKey: identity) }
    services = services.filter { names.contains($0.key) }
    for name in names where services[name] == nil { services[name] = Service() }
  }

  /// Handles a report; others than those with counters are ignored.
  mutating func note(_ event: WorkerEvent) {
    switch event {
    case .load(let load): self.load.note(LoadCounts(load))
    case .serverCounts(let counts, let identity):
      guard let known = servers[identity] else { return }
      var total = known ?? Total()
      total.note(counts)
      servers[identity] = total
    case .serviceFigures(let figures, let name):
      services[name]?.connections = figures.connections
      services[name]?.clients = figures.clients
      services[name]?.counts.note(figures.counts)
    case .workerCounts(let counts): worker.note(counts)
    case .loopCounts(let counts, let loop):
      guard loop < Self.loopLimit else { return }
      while loops.count <= Int(loop) { loops.append(Total()) }
      loops[Int(loop)].note(counts)
    default: break
    }
  }

  mutating func workerStarted() { workers += 1 }

  mutating func workerEnded() {
    for identity in servers.keys { servers[identity]??.workerEnded() }
    for name in services.keys {
      services[name]?.connections = 0
      services[name]?.clients = 0
      services[name]?.counts.workerEnded()
    }
    load.workerEnded()
    worker.workerEnded()
    for index in loops.indices { loops[index].workerEnded() }
  }

  /// Nil until a worker has reported it.
  func counts(of server: ServerIdentity) -> ServerCounts? { (servers[server] ?? nil)?.value }

  /// Requests begun.
  var requests: UInt64 { load.value.requests }

  /// The number of servers and loops that a worker has reported.
  var size: Int { servers.values.count { $0 != nil } + loops.count }

  /// Fills in the counters of a report that belong to no server; `names`: of all services, in order.
  func fill(_ report: inout StatusReport, _ names: [String]) {
    let load = load.value
    report.traffic.requests = load.requests
    report.traffic.accepted = load.accepted
    report.traffic.refused = load.refused
    report.traffic.datagrams = load.datagrams
    let worker = worker.value
    report.counters.handshakes = worker.handshakes
    report.counters.limits = worker.limits
    report.counters.log = worker.log
    report.counters.pair = worker.pair
    report.counters.loops = loops.map(\.value)
    report.counters.workers = workers
    report.counters.services = names.map { name in
      var service = StatusReport.ServiceCounters(name: name)
      guard let known = services[name] else { return service }
      service.connections = known.connections
      service.clients = known.clients
      service.counts = known.counts.value
      return service
    }
  }
}
