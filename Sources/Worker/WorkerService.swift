import Configuration
import Exchange
import Linux
import Logging
import Roles
import Synchronization
import Systemd
import TLS
import Wire

/// A worker's threads, one for each loop, one for the access log and one for the clients' homes, and what they share.
final class WorkerService: Sendable {
  private let fleet: Fleet
  private let channel: ControlChannel
  private let log: Logger
  private let heartbeats: [Heartbeat]
  private let accessLog: AccessLogWriter
  /// One for each loop that there may ever be.
  private let boards: [LoopFigures.Board]
  private let tickets: TicketKeys
  private let affinityFile: AffinityFile
  private let confinement: Confinement
  private let stapler: Stapler
  private let state: Mutex<State>

  private struct State {
    var generation: Generation
    /// Loops whose thread runs, those included that only finish what they have.
    var running: Set<Int> = []
    var isStopping = false
    /// The number of the last generation that every loop has taken over.
    var adopted: UInt64
    /// What the supervisor was told last.
    var told: WorkerFigures?
    var expiry = ExpiryWatch()
    var memory = MemoryReturn()
  }

  /// Loads the first configuration. Throws a reason for a person when it can not be served.
  init(
    _ orders: WorkerOrders, _ configuration: Configuration, _ confinement: Confinement, channel: ControlChannel,
    log: Logger
  ) throws(GenerationError) {
    self.confinement = confinement
    self.channel = channel
    self.log = log
    heartbeats = orders.heartbeats
    boards = orders.heartbeats.map { _ in LoopFigures.Board() }
    do {
      tickets = try TicketKeys(at: Clock.monotonic(), interval: configuration.tls.ticketRotation)
      let now = Clock.monotonic()
      let path = configuration.affinity.file
      fleet = try Fleet(
        configuration, restoring: path.flatMap { AffinityFile.read($0, log) }, orders: orders.serverOrders)
      affinityFile = try AffinityFile(fleet.homes, readFrom: path, log: log, at: now)
      accessLog = try AccessLogWriter(configuration.log)
      stapler = try Stapler(log: log)
      try Thread(name: "access-log") { [accessLog] in accessLog.run() }.detach()
    } catch {
      throw GenerationError("\(error)")
    }
    let generation = try Generation(number: orders.generation, configuration, tickets: tickets, fleet: fleet)
    state = Mutex(State(generation: generation, adopted: generation.number))
    fleet.adopt(generation)
  }

  // MARK: loops

  /// Starts the loops. They begin to accept when the servers' first health checks are in.
  func start(_ orders: WorkerOrders) throws(GenerationError) {
    let generation = state.withLock { $0.generation }
    warnOfUnverifiedServers(generation)
    tellCertificates(of: generation)
    staple(generation)
    try startLoops(orders)
  }

  /// Starts those loops of the first `orders.loops` that do not run.
  private func startLoops(_ orders: WorkerOrders) throws(GenerationError) {
    do throws(SystemError) {
      try fleet.makeMailboxes(orders.loops)
      for index in 0..<orders.loops where state.withLock({ $0.running.insert(index).inserted }) {
        let listeners = orders.listeners.filter { Int($0.place.loop) % orders.loops == index }
        try Thread(name: "loop-\(index)") { self.runLoop(index, listeners) }.detach()
      }
    } catch {
      throw GenerationError("\(error)")
    }
  }

  private func runLoop(_ index: Int, _ listeners: [HandedListener]) {
    do {
      var loop = try makeLoop(index)
      for listener in listeners { loop.add(listener) }
      repeat { loop.run() } while !loopMayEnd(index)
    } catch {
      log.critical("loop \(index) could not start: \(error)")
      channel.send(.refused(generation: state.withLock { $0.generation.number }, reason: "\(error)"))
      _ = loopMayEnd(index)
    }
    if state.withLock({ $0.isStopping && $0.running.isEmpty }) { channel.finish() }
  }

  /// Nothing but the loop itself keeps the generation that it begins with: it may go before the loop does.
  private func makeLoop(_ index: Int) throws -> Loop {
    let generation = state.withLock { $0.generation }
    let prober = index == 0 ? try Prober(generation, channel: channel, log: log, at: Clock.monotonic()) : nil
    let world = try World(
      loop: index, fleet: fleet, generation: generation, log: log,
      accessLog: AccessLog(generation.configuration.log.access, writer: accessLog, hash: fleet.logHash))
    return try Loop(
      world: world, prober: prober, mailbox: fleet.mailbox(of: index), heartbeat: heartbeats[index],
      board: boards[index])
  }

  /// A loop has nothing left to do, unless it was told something meanwhile.
  private func loopMayEnd(_ index: Int) -> Bool {
    state.withLock { state in
      guard fleet.mailbox(of: index).isEmpty else { return false }
      state.running.remove(index)
      return true
    }
  }

  // MARK: orders

  /// What the main thread is told.
  func handle(_ event: ControlChannel.Event) {
    switch event {
    case .stop(let bound):
      let deadline = Clock.monotonic() + bound
      state.withLock { $0.isStopping = true }
      fleet.post(.stop(deadline: deadline))
    case .reload(let orders):
      reload(orders)
    case .server(let order, let number):
      fleet.obey(order)
      state.withLock { $0.generation }.roster.reweigh()
      // Before the answer, so that it says how many sessions are left.
      tellFigures()
      fleet.mailbox(of: 0).post(.ordered(number: number))
      // Where no new client is sent, a crash could not be made good by the hash.
      affinityFile.save()
    case .tick:
      tellFigures()
      giveBackMemory()
      rotateTickets()
      warnOfExpiry()
      affinityFile.tick(at: Clock.monotonic())
      stapler.tick(at: Clock.monotonic())
    }
  }

  /// Builds another generation beside the one that serves, and hands it to every loop. One that can't be served
  /// changes nothing.
  private func reload(_ orders: WorkerOrders) {
    var loaded = orders.configuration.load()
    do throws(GenerationError) {
      confinement.refuseFilesOutside(&loaded)
      let configuration = try loaded.accepted()
      let generation = try Generation(number: orders.generation, configuration, tickets: tickets, fleet: fleet)
      if configuration.log != state.withLock({ $0.generation.configuration.log }) {
        do throws(SystemError) { try accessLog.redirect(to: configuration.log) } catch {
          throw GenerationError("access log: \(error)")
        }
      }
      warnOfUnverifiedServers(generation)
      OperationalLog.setLevel(Logger.Level(rawValue: configuration.log.level.rawValue) ?? .info)
      OperationalLog.setFacility(configuration.log.facility.code)
      tickets.rotate(every: configuration.tls.ticketRotation, at: Clock.monotonic())
      fleet.adopt(generation)
      staple(generation)
      keepHomes(in: configuration.affinity.file)
      let running = state.withLock { state in
        state.generation = generation
        return state.running
      }
      tellCertificates(of: generation)
      try startLoops(orders)
      hand(generation, orders, to: running)
      loaded.warnOfFiles(log)
    } catch {
      channel.send(.refused(generation: orders.generation, reason: loaded.reason(of: error)))
    }
  }

  private func hand(_ generation: Generation, _ orders: WorkerOrders, to running: Set<Int>) {
    let adoption = Adoption(
      generation, listeners: orders.listeners, withdrawn: orders.withdrawn, loops: orders.loops,
      participants: running.count
    ) { [self] in
      state.withLock { $0.adopted = generation.number }
      channel.send(.ready(generation: generation.number))
    }
    for index in running { fleet.mailbox(of: index).post(.adopt(adoption)) }
    // Loops that have just started accept at once: the others know the servers.
    for index in 0..<orders.loops where !running.contains(index) { fleet.mailbox(of: index).post(.serve) }
  }

  private func warnOfUnverifiedServers(_ generation: Generation) {
    guard !generation.isPassthrough else { return }
    for server in generation.configuration.servers where server.trust == .insecureNoVerification {
      log.warning(
        "server \(server.name) is not verified (trust: insecure-no-verification): anyone on the network path can read and change the traffic",
        metadata: ["server": "\(server.name)"])
    }
  }

  private func staple(_ generation: Generation) {
    let isWanted = generation.configuration.tls.ocspStapling
    stapler.adopt(isWanted ? generation.certificates : [], at: Clock.monotonic())
  }

  /// A file that can't be kept is no reason to refuse a configuration.
  private func keepHomes(in file: String?) {
    do throws(SystemError) { try affinityFile.adopt(file, at: Clock.monotonic()) } catch {
      log.error("affinity: \(error); assignments are not kept across a restart")
    }
  }

  /// The loops know which pages of their slabs nobody lies in.
  private func giveBackMemory() {
    let (connections, most) = (fleet.connectionCount, fleet.takeConnectionPeak())
    guard state.withLock({ $0.memory.isDue(connections: connections, most: most, at: Clock.monotonic()) }) else {
      return
    }
    fleet.post(.giveBackMemory)
    Memory.giveBack()
  }

  private func rotateTickets() {
    do throws(TLSError) {
      try tickets.rotate(at: Clock.monotonic())
    } catch {
      log.error("session ticket keys are not rotated: \(error)")
    }
  }

  private func warnOfExpiry() {
    let seconds = Int64(Clock.wall() / 1_000_000_000)
    let notices = state.withLock { state in
      state.expiry.notices(of: state.generation.certificates.map(ExpiryWatch.Subject.init), at: seconds)
    }
    for notice in notices {
      let text = ExpiryWatch.text(of: notice)
      if case .ended = notice { log.error("\(text)") } else { log.warning("\(text)") }
    }
  }

  /// What has happened in the last second.
  private func tellFigures() {
    let (generation, told, isAdopted) = state.withLock { ($0.generation, $0.told, $0.adopted == $0.generation.number) }
    let dropped = isAdopted ? fleet.dropEmptyServers() : []
    for server in dropped { fleet.mailbox(of: 0).post(.serverDropped(server)) }
    let figures = WorkerFigures(fleet, generation, boards, dropped: dropped)
    channel.send(.load(figures.load))
    for load in figures.servers where told?.servers.contains(load) != true { channel.send(.serverLoad(load)) }
    if figures.load.generations != told?.load.generations ?? 1 {
      log.debug("generations in memory: \(figures.load.generations)")
    }
    state.withLock { $0.told = figures }
    warn(ofDropped: accessLog.takeDropped())
    // A supervisor that does not read finds the last ones, and how often they came.
    guard !channel.isBehind else { return }
    for problem in OperationalLog.takeProblems() { channel.send(.problem(Problem(problem))) }
  }

  private func tellCertificates(of generation: Generation) {
    for (place, pair) in generation.certificates.enumerated() {
      channel.send(.certificate(ServedCertificate(pair, place: place, generation: generation.number)))
    }
  }

  /// Waits until the access log and the clients' homes are written, for a second at most: a sink may be full.
  func finish() {
    let deadline = Clock.monotonic() + .seconds(1)
    affinityFile.end()
    warn(ofDropped: accessLog.close(within: .seconds(1)))
    affinityFile.waitForEnd(until: deadline)
  }

  private func warn(ofDropped count: UInt64) {
    if count > 0 { log.warning("access log: the sink is full or gone, \(count) lines were dropped") }
  }
}
