import Balancing
import Exchange
import Linux
import WorkerProtocol
import Wire

/// One thread's event loop: its listeners, its clients, and all that they use. It shares only `SharedState` with the
/// other loops.
struct Loop: ~Copyable {
  /// Maximum of connections accepted from one listener before other work is done.
  static let acceptsPerTurn = 64
  /// Maximum per turn of timers fired, of clients notified of a stop or a lost server, and of messages read.
  static let closingsPerTurn = 256
  /// The time limit for connections that are ended in one turn by a timer or a closing. One takes about 20 µs, including
  /// the kernel's part.
  static let closingBudget = Interval.microseconds(500)
  /// The supervisor treats a loop that makes no turn for a few seconds as hung.
  static let longestWait = Interval.seconds(1)
  /// How long a timer may be overdue before the turn counts as late: twice the tick of the timer wheel, and more.
  static let lateness = Interval.milliseconds(20)
  /// How long accepting pauses when the process has run out of descriptors.
  static let acceptPause = Interval.milliseconds(200)

  var clients: Slab<ClientConnection>
  var context: LoopContext
  var prober: Prober?
  var accepting = Accepting()
  var datagrams = DatagramRelay()
  let mailbox: Mailbox
  /// Operations on many connections at once, of which each turn does a part.
  var closings = PendingClosings()
  private let heartbeat: Heartbeat
  var evictable = EvictableClients()
  /// Limits how often evictions of clients and pauses of accepting are logged.
  var notices = LogRateLimiter<Notice>(every: .seconds(10))
  /// Whether a reload has left it without listeners: it ends with its last client.
  var isRetiring = false
  /// When a stopping loop closes all remaining connections.
  var stopDeadline = Instant.distantFuture
  private let metrics: LoopFigures.Metrics
  private var nextPublication = Instant(nanoseconds: 0)

  enum Notice { case room, pause }

  init(
    context: consuming LoopContext, prober: consuming Prober?, mailbox: Mailbox, heartbeat: Heartbeat,
    metrics: LoopFigures.Metrics
  ) throws(SystemError) {
    clients = Slab(capacity: context.sharedState.placesPerLoop)
    self.context = context
    self.prober = prober
    self.mailbox = mailbox
    self.heartbeat = heartbeat
    self.metrics = metrics
    // An earlier loop may have had this index.
    self.context.reports.takeOver(metrics.latest)
    try self.context.poller.watchLevel(mailbox.wakeup.descriptor, token: Token(.mailbox).rawValue)
  }

  /// Runs until a stop was requested, the last client is gone, and no further message has arrived.
  mutating func run() {
    prober?.start(&context)
    repeat {
      repeat { turn(waiting: timeout(), clock: Clock.monotonic) } while !isFinished
      for key in clients.keys { remove(key) }
      for flow in datagrams.flows.keys { datagrams.end(flow, Termination(.killed, .data), &context) }
      context.forgetServers()
      context.reports.accessLog.endTurn()
      publishFigures()
    } while !mailbox.close()
  }

  /// Waits at most this long for events, then processes all that are available and all due timers.
  mutating func turn(waiting milliseconds: Int32, clock: () -> Instant) {
    heartbeat.beat()
    let count = context.poller.wait(milliseconds: milliseconds)
    context.now = clock()
    context.reports.countTurn(at: context.now)
    // All events of server connections are recorded before a request is sent on one of them.
    for index in 0..<count { note(context.poller.event(at: index)) }
    for index in 0..<count { handle(context.poller.event(at: index)) }
    runLeftovers()
    if !closings.isEmpty { runClosings(clock: clock) }
    if !datagrams.endings.isEmpty { datagrams.runEndings(&context, clock: clock) }
    fireTimers(clock: clock)
    prober?.run(&context, clock: clock)
    runHandshakes(clock: clock)
    resumeAccepting()
    context.reports.accessLog.endTurn()
    if context.now >= nextPublication {
      publishFigures()
      datagrams.watchAgain(&context)
    }
  }

  private mutating func publishFigures() {
    nextPublication = context.now + LoopFigures.interval
    context.reports.countSuppressed()
    context.reports.logExcesses(at: context.now)
    metrics.publish(&context)
  }

  private var isFinished: Bool {
    clients.count == 0 && isRetiring || context.isStopping && (clients.count == 0 || context.now >= stopDeadline)
  }

  /// Milliseconds until the next timer, 0 while there is work, one second at most. Mutating only so that the caller does
  /// not copy the loop for the call.
  mutating func timeout() -> Int32 {
    let next = context.timers.nextDeadline ?? .distantFuture
    context.reports.due = next
    if !context.leftovers.isEmpty || !closings.isEmpty || !datagrams.endings.isEmpty { return 0 }
    if prober?.hasWork == true { return 0 }
    let pause = min(
      next - context.now, stopDeadline - context.now, accepting.againAt == nil ? Loop.longestWait : Loop.acceptPause,
      Loop.longestWait)
    return Int32(truncatingIfNeeded: (pause.nanoseconds + 999_999) / 1_000_000)
  }

  /// Records an event's readiness if it is for a connection to a server.
  private mutating func note(_ event: (token: UInt64, readiness: Readiness)) {
    let token = Token(rawValue: event.token)
    guard token.kind == .server, context.servers.contains(token.key) else { return }
    context.servers[token.key].side.stream.became(event.readiness)
    switch context.servers[token.key].phase {
    case .pooled: context.checkPooled(token.key)
    case .ending: context.checkEnding(token.key)
    case .connecting, .handshaking, .open: break
    }
  }

  private mutating func handle(_ event: (token: UInt64, readiness: Readiness)) {
    let token = Token(rawValue: event.token)
    switch token.kind {
    case .client:
      // An earlier event of the same batch may have closed it.
      guard clients.contains(token.key) else { return }
      clients[token.key].client.side.stream.became(event.readiness)
      if clients[token.key].phase == .handshaking {
        // The first event of a new connection only reports that it is writable.
        if clients[token.key].hasSpoken { clients[token.key].standInLine(&context) }
      } else {
        advance(token.key)
      }
    case .server:
      guard context.servers.contains(token.key), let request = context.servers[token.key].request,
        clients.contains(request.connection), clients[request.connection].requests.contains(request)
      else { return }
      advance(request.connection)
    case .listener: accept(token.key)
    case .mailbox: readMail()
    case .probe: prober?.handle(token.key, event.readiness, &context)
    case .datagrams: datagrams.receive(from: token.key, &context)
    case .flow: datagrams.answer(token.key, &context)
    case nil: preconditionFailure("a token that no one made")
    }
  }

  /// A connection that yielded waits for its turn even if events arrive: other connections go first.
  private mutating func advance(_ key: SlabKey) {
    guard !clients[key].isInLine else { return }
    if clients[key].advance(&context) == .close { remove(key) }
  }

  /// Continues clients that yielded.
  private mutating func runLeftovers() {
    guard !context.leftovers.clients.isEmpty else { return }
    let leftovers = context.leftovers.clients
    context.leftovers.clients.removeAll(keepingCapacity: true)
    for key in leftovers where clients.contains(key) {
      clients[key].isInLine = false
      advance(key)
    }
  }

  /// Fires due timers within the turn's limits: the timers of a flood of connections expire at the same time.
  private mutating func fireTimers(clock: () -> Instant) {
    var allowance = ClosingAllowance()
    for _ in 0..<Loop.closingsPerTurn {
      guard let timer = context.timers.expire(at: context.now) else { return }
      switch TimerKey(rawValue: timer).owner {
      case .client(let index):
        guard let key = clients.key(at: index), clients[key].timerFired(&context) == .close else { continue }
        remove(key)
        if allowance.isSpent(clock: clock) { return }
      case .server(let index):
        guard let key = context.servers.key(at: index) else { continue }
        context.serverTimerFired(key)
      case .firstChecks: prober?.firstChecksOverdue(&context)
      case .probe(let index): prober?.timerFired(at: index, &context)
      case .flow(let index):
        if datagrams.timerFired(at: index, &context), allowance.isSpent(clock: clock) { return }
      }
    }
  }
}
