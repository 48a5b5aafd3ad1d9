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
  /// Loops that have not ended.
  private let running: Atomic<Int>

  /// Requests that a loop has begun, for the supervisor.
  final class RequestCount: Sendable {
    let value = Atomic<UInt64>(0)
  }

  /// Loads the configuration. Throws a reason for a person when it can not be served.
  init(_ orders: borrowing WorkerOrders, channel: ControlChannel, log: Logger) throws(GenerationError) {
    self.channel = channel
    self.log = log
    heartbeats = orders.heartbeats
    running = Atomic(orders.heartbeats.count)
    requests = orders.heartbeats.map { _ in RequestCount() }
    let configuration = try WorkerService.read(orders.configuration)
    do {
      let settings = configuration.tls
      let tickets = settings.tickets ? try TicketKeys(at: Clock.monotonic(), interval: settings.ticketRotation) : nil
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

  private static func read(_ text: ConfigurationText) throws(GenerationError) -> Configuration {
    let loaded = Configuration.load(bytes: Array(text.text.utf8), fileName: text.fileName, hostName: text.hostName)
    guard let configuration = loaded.configuration else {
      throw GenerationError(loaded.diagnostics.map { "\($0)" }.joined(separator: "\n"))
    }
    return configuration
  }

  /// Starts the threads. Loops begin to accept when the servers' first health checks are in.
  func start(_ listeners: [HandedListener]) throws(GenerationError) {
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
