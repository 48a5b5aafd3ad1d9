import Balancing
import Exchange
import Linux
import WorkerProtocol
import Wire

/// One thread's event loop: its listeners, its clients, and everything they act upon. Shares only `SharedState` with the
/// other loops.
struct Loop: ~Copyable {
  /// Connections accepted from one listener before others get their turn.
  static let acceptsPerTurn = 64
  /// Timers fired, clients told of a stop or of a server's loss, and messages read, before others get their turn.
  static let closingsPerTurn = 256
  /// How long the connections may take that end in one turn by a timer or a chore. One costs some 20 µs, the kernel's part
  /// included.
  static let closingBudget = Interval.microseconds(500)
  /// The supervisor takes a loop that does not turn within a few seconds for hung.
  static let longestSleep = Interval.seconds(1)
  /// How long accepting rests when the process has run out of descriptors.
  static let acceptPause = Interval.milliseconds(200)

  var clients: Slab<ClientConnection>
  var context: LoopContext
  var prober: Prober?
  var accepting = Accepting()
  let mailbox: Mailbox
  /// What concerns many connections at once, done a little in each turn.
  var closings = PendingClosings()
  private let heartbeat: Heartbeat
  var dispensable = DispensableClients()
  /// When the operator is told again that clients make room, and that accepting pauses.
  var notices = LogRateLimiter<Notice>(every: .seconds(10))
  /// A reload has left it without listeners; it ends with its last client.
  var isRetiring = false
  /// When a stopping loop ends whatever is left.
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
    // A loop of this number may have been here before.
    self.context.reports.counters = metrics.latest.counters
    try self.context.poller.watchLevel(mailbox.wakeup.descriptor, token: Token(.mailbox).rawValue)
  }

  /// Turns until it has been told to stop, the last client is gone, and nothing more has come.
  mutating func run() {
    prober?.start(&context)
    repeat {
      repeat { turn(waiting: sleep, clock: Clock.monotonic) } while !isFinished
      for key in clients.keys { remove(key) }
      context.forgetServers()
      context.reports.accessLog.endTurn()
      publishFigures()
    } while !mailbox.close()
  }

  /// Waits at most so long for events, then does all that has come and become due.
  mutating func turn(waiting milliseconds: Int32, clock: () -> Instant) {
    heartbeat.beat()
    let count = context.poller.wait(milliseconds: milliseconds)
    context.now = clock()
    // Before a request is sent on a connection to a server, everything that is known of it is known.
    for index in 0..<count { note(context.poller.event(at: index)) }
    for index in 0..<count { handle(context.poller.event(at: index)) }
    runLeftovers()
    if !context.leftovers.checks.isEmpty { prober?.runLeftovers(&context) }
    runChores(clock: clock)
    fireTimers(clock: clock)
    runHandshakes(clock: clock)
    resumeAccepting()
    context.reports.accessLog.endTurn()
    if context.now >= nextPublication { publishFigures() }
  }

  private mutating func publishFigures() {
    nextPublication = context.now + LoopFigures.interval
    metrics.publish(context.figures)
  }

  private var isFinished: Bool {
    clients.count == 0 && isRetiring || context.isStopping && (clients.count == 0 || context.now >= stopDeadline)
  }

  /// Milliseconds until the next timer, 0 while there is work, a second at most.
  private var sleep: Int32 {
    if !context.leftovers.isEmpty || !closings.isEmpty { return 0 }
    let next = context.timers.nextDeadline ?? .distantFuture
    let pause = min(
      next - context.now, stopDeadline - context.now, accepting.againAt == nil ? Loop.longestSleep : Loop.acceptPause,
      Loop.longestSleep)
    return Int32(truncatingIfNeeded: (pause.nanoseconds + 999_999) / 1_000_000)
  }

  /// Takes in what an event tells of a connection to a server.
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
      // An event of the same batch may have closed it.
      guard clients.contains(token.key) else { return }
      clients[token.key].client.side.stream.became(event.readiness)
      if clients[token.key].phase == .handshaking {
        // What a newcomer's first event tells is that it can be written to.
        if clients[token.key].hasSpoken { clients[token.key].standInLine(&context) }
      } else {
        advance(token.key)
      }
    case .server:
      guard context.servers.contains(token.key), let client = context.servers[token.key].client else { return }
      if clients.contains(client) { advance(client) }
    case .listener: accept(token.key)
    case .mailbox: readMail()
    case .probe: prober?.handle(token.key, event.readiness, &context)
    case nil: preconditionFailure("a token that no one made")
    }
  }

  /// One that gave way waits for its place in line, whatever comes: others go first.
  private mutating func advance(_ key: SlabKey) {
    guard !clients[key].isInLine else { return }
    if clients[key].advance(&context) == .close { remove(key) }
  }

  /// Clients that gave way go on where they were.
  private mutating func runLeftovers() {
    guard !context.leftovers.clients.isEmpty else { return }
    let leftovers = context.leftovers.clients
    context.leftovers.clients.removeAll(keepingCapacity: true)
    for key in leftovers where clients.contains(key) {
      clients[key].isInLine = false
      advance(key)
    }
  }

  /// Fires what is due, as far as that is a turn's work: the timers of a flood expire in one moment, too.
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
      case .settling: prober?.settlingEnded(&context)
      case .probe(let index): prober?.timerFired(at: index, &context)
      }
    }
  }
}
