import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Roles
import Logging
import Synchronization
import TLS
import Wire

/// One thread's event loop: its listeners, its clients, and everything they act upon. Shares only the fleet with the
/// other loops.
struct Loop: ~Copyable {
  /// Connections accepted from one listener before others get their turn.
  static let acceptsPerTurn = 64
  /// Timers fired, clients told of a stop or of a server's loss, and letters read, before others get their turn.
  static let closingsPerTurn = 256
  /// How long the connections may take that end in one turn by a timer or a chore. One costs some 20 µs, the kernel's part
  /// included.
  static let closingBudget = Interval.microseconds(500)
  /// The supervisor takes a loop that does not turn within a few seconds for hung.
  static let longestSleep = Interval.seconds(1)
  /// How long accepting rests when the process has run out of descriptors.
  static let acceptPause = Interval.milliseconds(200)

  var clients: Slab<Client>
  var world: World
  var prober: Prober?
  var listeners = Slab<Listener>(capacity: 8)
  let mailbox: Mailbox
  /// What concerns many connections at once, done a little in each turn.
  var chores = Chores()
  private let heartbeat: Heartbeat
  /// Clients that have not sent a byte, and clients that have not ended their handshake.
  var silent = Newcomers(.silent)
  var handshaking = Newcomers(.handshaking)
  var idle = IdleClients()
  /// When the operator is told again that clients make room, and that accepting pauses.
  var nextRoomNotice = Instant(nanoseconds: 0)
  var nextPauseNotice = Instant(nanoseconds: 0)
  /// The other loops have been asked for room, and not all have answered.
  var isAskingForRoom = false
  /// Nil while listeners are watched. Accepting begins with `LoopMessage.serve`.
  var acceptAgainAt: Instant? = .distantFuture
  /// A reload has left it without listeners; it ends with its last client.
  var isRetiring = false
  /// When a stopping loop ends whatever is left.
  var stopDeadline = Instant.distantFuture
  private let board: LoopFigures.Board
  private var showsNext = Instant(nanoseconds: 0)

  struct Listener: ~Copyable {
    let descriptor: Descriptor
    let place: ListenerPlace
    let service: Client.Service

    consuming func takeDescriptor() -> Descriptor { descriptor }
  }

  init(
    world: consuming World, prober: consuming Prober?, mailbox: Mailbox, heartbeat: Heartbeat,
    board: LoopFigures.Board
  ) throws(SystemError) {
    clients = Slab(capacity: world.places)
    self.world = world
    self.prober = prober
    self.mailbox = mailbox
    self.heartbeat = heartbeat
    self.board = board
    // A loop of this number may have been here before.
    self.world.counters = board.shown.counters
    try self.world.poller.watchLevel(mailbox.wakeup.descriptor, token: Token(.mailbox).rawValue)
  }

  /// Turns until it has been told to stop and the last client is gone.
  mutating func run() {
    prober?.start(&world)
    while !isFinished { turn(waiting: sleep, clock: Clock.monotonic) }
    for key in clients.keys { remove(key) }
    world.accessLog.endTurn()
    showFigures()
  }

  /// Waits at most so long for events, then does all that has come and become due.
  mutating func turn(waiting milliseconds: Int32, clock: () -> Instant) {
    heartbeat.beat()
    let count = world.poller.wait(milliseconds: milliseconds)
    world.now = clock()
    // Before a request is sent on a connection to a server, everything that is known of it is known.
    for index in 0..<count { note(world.poller.event(at: index)) }
    for index in 0..<count { handle(world.poller.event(at: index)) }
    runLeftovers()
    if !world.runnableChecks.isEmpty { prober?.runLeftovers(&world) }
    runChores(clock: clock)
    fireTimers(clock: clock)
    runHandshakes(clock: clock)
    resumeAccepting()
    world.accessLog.endTurn()
    if world.now >= showsNext { showFigures() }
  }

  private mutating func showFigures() {
    showsNext = world.now + LoopFigures.interval
    board.show(world.figures)
  }

  private var isFinished: Bool {
    clients.count == 0 && isRetiring || world.isStopping && (clients.count == 0 || world.now >= stopDeadline)
  }

  /// Milliseconds until the next timer, 0 while there is work, a second at most.
  private var sleep: Int32 {
    if !world.runnable.isEmpty || !world.handshakes.isEmpty { return 0 }
    if !world.runnableChecks.isEmpty || !chores.isEmpty { return 0 }
    let next = world.timers.nextDeadline ?? .distantFuture
    let pause = min(
      next - world.now, stopDeadline - world.now, acceptAgainAt == nil ? Loop.longestSleep : Loop.acceptPause,
      Loop.longestSleep)
    return Int32(truncatingIfNeeded: (pause.nanoseconds + 999_999) / 1_000_000)
  }

  /// Takes in what an event tells of a connection to a server.
  private mutating func note(_ event: (token: UInt64, readiness: Readiness)) {
    let token = Token(rawValue: event.token)
    guard token.kind == .server, world.servers.contains(token.key) else { return }
    world.servers[token.key].stream.became(event.readiness)
    switch world.servers[token.key].phase {
    case .pooled: world.checkPooled(token.key)
    case .ending: world.checkEnding(token.key)
    case .connecting, .handshaking, .open: break
    }
  }

  private mutating func handle(_ event: (token: UInt64, readiness: Readiness)) {
    let token = Token(rawValue: event.token)
    switch token.kind {
    case .client:
      // An event of the same batch may have closed it.
      guard clients.contains(token.key) else { return }
      clients[token.key].stream.became(event.readiness)
      if clients[token.key].phase == .handshaking {
        // What a newcomer's first event tells is that it can be written to.
        if clients[token.key].hasSpoken { clients[token.key].standInLine(&world) }
      } else {
        advance(token.key)
      }
    case .server:
      guard world.servers.contains(token.key), let client = world.servers[token.key].client else { return }
      if clients.contains(client) { advance(client) }
    case .listener: accept(token.key)
    case .mailbox: readMail()
    case .probe: prober?.handle(token.key, event.readiness, &world)
    case nil: preconditionFailure("a token that no one made")
    }
  }

  /// One that gave way waits for its place in line, whatever comes: others go first.
  private mutating func advance(_ key: SlabKey) {
    guard !clients[key].isInLine else { return }
    if clients[key].advance(&world) == .close { remove(key) }
  }

  /// Clients that gave way go on where they were.
  private mutating func runLeftovers() {
    guard !world.runnable.isEmpty else { return }
    let leftovers = world.runnable
    world.runnable.removeAll(keepingCapacity: true)
    for key in leftovers where clients.contains(key) {
      clients[key].isInLine = false
      advance(key)
    }
  }

  /// Fires what is due, as far as that is a turn's work: the timers of a flood expire in one moment, too.
  private mutating func fireTimers(clock: () -> Instant) {
    var allowance = ClosingAllowance()
    for _ in 0..<Loop.closingsPerTurn {
      guard let timer = world.timers.expire(at: world.now) else { return }
      switch TimerKey(rawValue: timer).owner {
      case .client(let index):
        guard let key = clients.key(at: index), clients[key].timerFired(&world) == .close else { continue }
        remove(key)
        if allowance.isSpent(clock: clock) { return }
      case .server(let index):
        guard let key = world.servers.key(at: index) else { continue }
        world.serverTimerFired(key)
      case .settling: prober?.settlingEnded(&world)
      case .probe(let index): prober?.timerFired(at: index, &world)
      }
    }
  }
}
