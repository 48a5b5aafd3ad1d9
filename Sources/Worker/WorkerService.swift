import Configuration
import Exchange
import Linux
import Logging
import Roles
import Synchronization
import TLS
import Wire

/// A worker's threads, one for each loop and one for the access log, and what they share.
final class WorkerService: Sendable {
  private let generation: Generation
  private let fleet: Fleet
  private let channel: ControlChannel
  private let log: Logger
  private let heartbeats: [Heartbeat]
  private let accessLog: AccessLogWriter?
  private let requests: [RequestCount]
  private let tickets: TicketKeys?
  /// Loops that have not ended.
  private let running: Atomic<Int>

  /// Requests that a loop has begun, for the supervisor.
  final class RequestCount: Sendable {
    let value = Atomic<UInt64>(0)
  }

  /// Loads the configuration. Throws a reason for a person when it can not be served.
  init(
    _ orders: borrowing WorkerOrders, _ configuration: Configuration, channel: ControlChannel, log: Logger
  ) throws(GenerationError) {
    self.channel = channel
    self.log = log
    heartbeats = orders.heartbeats
    running = Atomic(orders.heartbeats.count)
    requests = orders.heartbeats.map { _ in RequestCount() }
    do {
      let settings = configuration.tls
      tickets = settings.tickets ? try TicketKeys(at: Clock.monotonic(), interval: settings.ticketRotation) : nil
      generation = try Generation(number: orders.generation, configuration, tickets: tickets)
      let mailboxes = try orders.heartbeats.map { _ in try Mailbox() }
      fleet = try Fleet(configuration, router: generation.router, mailboxes: mailboxes)
      accessLog = try configuration.log.access.map { try AccessLogWriter(sink: AccessLogWriter.open($0.target)) }
    } catch let error as GenerationError {
      throw error
    } catch {
      throw GenerationError("\(error)")
    }
  }

  /// Starts the threads. Loops begin to accept when the servers' first health checks are in.
  func start(_ listeners: [HandedListener]) throws(GenerationError) {
    warnOfUnverifiedServers()
    do throws(SystemError) {
      if let accessLog {
        try Thread(name: "access-log") { accessLog.run() }.detach()
      }
      for index in heartbeats.indices {
        let sockets = listeners.filter { $0.place.loop == index }.map { listener in
          LoopListener(descriptor: listener.takeDescriptor().relinquish(), purpose: listener.place.purpose)
        }
        try Thread(name: "loop-\(index)") { self.runLoop(index, sockets) }.detach()
      }
    } catch {
      throw GenerationError("\(error)")
    }
  }

  private func warnOfUnverifiedServers() {
    guard !generation.isPassthrough else { return }
    for server in generation.configuration.servers where server.trust == .insecureNoVerification {
      log.warning(
        "server \(server.name) is not verified (trust: insecure-no-verification): whoever is on the way can read and change everything",
        metadata: ["server": "\(server.name)"])
    }
  }

  /// A listening socket on its way into a loop's thread.
  private struct LoopListener: Sendable {
    let descriptor: Int32
    let purpose: ListenerPurpose
  }

  private func runLoop(_ index: Int, _ listeners: [LoopListener]) {
    do {
      let prober = index == 0 ? try Prober(generation, channel: channel, log: log, at: Clock.monotonic()) : nil
      let settings = generation.configuration.log.access
      let world = try World(
        loop: index, fleet: fleet, generation: generation, log: log,
        accessLog: AccessLog(format: settings?.format == .json ? .json : .httplog, writer: accessLog))
      var loop = try Loop(
        world: world, prober: prober, mailbox: fleet.mailboxes[index], heartbeat: heartbeats[index],
        requests: requests[index])
      for listener in listeners {
        let service: Client.Service =
          listener.purpose == .redirect ? .redirect : generation.isPassthrough ? .passthrough : .https
        loop.add(Descriptor(owning: listener.descriptor), for: service)
      }
      loop.run()
    } catch {
      log.critical("loop \(index) could not start: \(error)")
      channel.send(.refused(reason: "\(error)"))
    }
    if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { channel.finish() }
  }

  /// What the main thread is told.
  func handle(_ event: ControlChannel.Event) {
    switch event {
    case .stop(let bound):
      let deadline = Clock.monotonic() + bound
      for mailbox in fleet.mailboxes { mailbox.post(.stop(deadline: deadline)) }
    case .tick:
      tellLoad()
      rotateTickets()
    }
  }

  private func rotateTickets() {
    do throws(TLSError) {
      try tickets?.rotate(at: Clock.monotonic())
    } catch {
      log.error("session ticket keys stay as they are: \(error)")
    }
  }

  private func tellLoad() {
    let exchanges = generation.servers.indices.reduce(0) { $0 + fleet.occupancy(of: $1).active }
    let requests = requests.reduce(0) { $0 + $1.value.load(ordering: .relaxed) }
    channel.send(
      .load(
        Load(
          connections: UInt32(truncatingIfNeeded: fleet.connectionCount),
          exchanges: UInt32(truncatingIfNeeded: exchanges),
          requests: requests)))
    if let dropped = accessLog?.takeDropped(), dropped > 0 {
      log.warning("access log: the sink is full, \(dropped) lines were dropped")
    }
  }

  /// Waits until the access log is written, for a second at most: its sink may be full.
  func finish() { accessLog?.close(within: .seconds(1)) }
}
