import Balancing
import Configuration
import Linux
import Logging
import Pair
import TLS
import Wire

/// The source of an event in the pair's thread; the key is that of a connection.
typealias PairToken = PollerToken<PairEventSource>

enum PairEventSource: UInt64 {
  case news = 1
  case listener
  case connection
}

/// The pair's thread: its connections with the other nodes, and when they are made. Each turn has bounded work.
struct PairLoop: ~Copyable {
  /// Maximum of accepted connections that have not said hello; one makes room.
  static let greetingLimit = DescriptorBudget.pairGreetings
  /// Maximum of pieces of the tables that are copied for a connection in one turn.
  static let copiesPerTurn = 16
  /// How often clients that were assigned or moved here are sent.
  static let tick = Interval.seconds(1)
  /// How long a starting node waits for the tables of the others.
  static let tablesTimeout = Interval.seconds(5)

  /// How long the streams of a connection may go on when the nodes are to join anew.
  static let rejoinTimeout = Interval.minutes(1)
  static let rejoining = "its configuration has changed"

  enum Notice { case untrusted, accepting }

  let log: Logger
  let poller: Poller
  var settings: PairChannel.Settings?
  var peers: [PairPeer] = []
  var connections = Slab<PairConnection>(capacity: 16)
  var now: Instant
  /// The clock of assignments, which the tables' clocks follow.
  var clock: AssignmentClock
  let channel: PairChannel
  /// What this node says of itself, but for its name.
  private let hello: PairHello
  private let whenTablesAreThere: @Sendable () -> Void
  private var listeners = PairListeners()
  /// When the tables' time is over; nil once the others' tables are there, or that has come.
  private var tablesDeadline: Instant?
  private var nextTick: Instant
  private var limiter = LogRateLimiter<Notice>(every: .minutes(1))

  init(
    _ channel: PairChannel, release: String, log: Logger, at now: Instant,
    whenTablesAreThere: @escaping @Sendable () -> Void
  ) throws {
    // Random, for each worker.
    let incarnation = try RandomBytes.makeWord()
    let poller = try Poller()
    try poller.watchLevel(channel.wakeup.descriptor, token: PairToken(.news).rawValue)
    hello = PairHello(name: "", release: release, incarnation: incarnation)
    self.poller = poller
    self.channel = channel
    self.log = log
    self.now = now
    self.whenTablesAreThere = whenTablesAreThere
    clock = AssignmentClock(Clock.wall(), at: now)
    tablesDeadline = now + Self.tablesTimeout
    nextTick = now + Self.tick
  }

  /// Runs until the channel is stopped.
  mutating func run() {
    while turn() {}
    sendChanges()
    end(reason: "belvedere stops")
  }

  /// Waits for events, and handles all; false when the channel is stopped.
  private mutating func turn() -> Bool {
    let count = poller.wait(milliseconds: sleep)
    now = Clock.monotonic()
    for index in 0..<count {
      let (token, readiness) = poller.event(at: index)
      switch PairToken(rawValue: token).kind {
      case .listener: listeners.becameReady()
      case .connection:
        let key = PairToken(rawValue: token).key
        if connections.contains(key) { connections[key].became(readiness) }
      case .news, nil: break
      }
    }
    let isStopping = takeNews()
    accept()
    for key in connections.keys { proceed(key) }
    if now >= nextTick { handleTick() }
    for peer in peers.indices { dial(peer) }
    return !isStopping
  }

  /// Milliseconds until there is something to do without an event.
  private var sleep: Int32 {
    var next = min(nextTick, listeners.deadline)
    for key in connections.keys { next = min(next, connections[key].copy == nil ? connections[key].deadline : now) }
    for peer in peers { next = min(next, peer.dialAt ?? .distantFuture) }
    return Int32(clamping: ((next - now).nanoseconds + 999_999) / 1_000_000)
  }

  private mutating func handleTick() {
    nextTick = now + Self.tick
    settings?.tables.advanceClocks(to: clock.time(at: now), at: now)
    sendChanges()
    for peer in peers.indices {
      guard let reason = peers[peer].takeAbsence(at: now) else { continue }
      log.warning("pair: \(peers[peer].node.name) is away: \(reason)", metadata: peers[peer].metadata)
    }
    reportTables()
    reportNodes()
  }

  /// Sends every node the clients that were assigned or moved here.
  private mutating func sendChanges() {
    guard let (batches, areIncomplete) = settings?.tables.takeChanges(at: now) else { return }
    for key in peers.compactMap(\.joined) {
      for batch in batches { handle(.changes(batch), key) }
      if areIncomplete { handle(.missedChanges, key) }
      send(key)
    }
  }

  /// Reports once that the other nodes have sent their tables, or had their time.
  mutating func reportTables() {
    guard let deadline = tablesDeadline, now >= deadline || peers.allSatisfy(\.hasSentTables) else { return }
    tablesDeadline = nil
    whenTablesAreThere()
  }

  /// Returns whether to stop.
  private mutating func takeNews() -> Bool {
    let news = channel.takeNews()
    if let next = news.settings { adopt(next) }
    for listener in news.listeners {
      do throws(SystemError) { try listeners.add(listener, poller) } catch { log.error("pair: \(error)") }
    }
    let events = news.events
    for key in peers.compactMap(\.joined) where !events.isEmpty {
      for event in events { handle(event, key) }
      send(key)
    }
    for (message, node) in news.streams { pass(message, to: node) }
    return news.isStopping
  }

  /// A reload changes no nodes. Where it changes services or servers, or a secret is gone, the nodes join anew: what they told
  /// each other of a server that one of them did not have yet was not kept, and a secret that is gone ends its
  /// connections.
  private mutating func adopt(_ next: PairChannel.Settings) {
    if settings == nil {
      peers = next.pair.others.map { node in
        PairPeer(node, isDialed: Redial.isDialer(next.own.name, of: node.name), at: now)
      }
    }
    let isValid = settings?.hasValidSecrets(under: next) ?? true
    let isComplete = settings?.hasCompleteTables(under: next) ?? true
    settings = next
    if !isValid { return end(reason: Self.rejoining) }
    guard !isComplete else { return }
    // The reload may be the result of what a stream has brought.
    for key in connections.keys where connections[key].rejoinDeadline == nil {
      connections[key].rejoinDeadline = now + Self.rejoinTimeout
    }
  }

  /// Leaves all other nodes.
  private mutating func end(reason: String) {
    for key in connections.keys { handle(.leave(reason: reason), key) }
  }

  // MARK: New connections

  private mutating func accept() {
    do throws(SystemError) {
      while let accepted = try listeners.accept(at: now) {
        let address = accepted.peer.address
        guard let settings, let peer = peers.firstIndex(where: { $0.node.address == address && !$0.isDialed }) else {
          if let more = moreSinceLastLine(.untrusted) {
            log.warning("pair: a connection from \(address), where no node is to connect from, was closed\(more)")
          }
          continue
        }
        let key = try add(accepted.takeDescriptor(), with: peer, settings.accepting, settings, offer: nil)
        // At once: what the other node sends with it makes it worth more than those of peers without the secret.
        proceed(key)
        makeRoom()
      }
    } catch {
      if let more = moreSinceLastLine(.accepting) {
        log.warning("pair: connections can't be accepted: \(error)\(more)")
      }
    }
  }

  /// The end of a line of this kind, with the number of those that were not logged; nil: this one is not either.
  private mutating func moreSinceLastLine(_ notice: Notice) -> String? {
    limiter.take(notice, at: now).map { $0 == 0 ? "" : " (and \($0) more since the last line)" }
  }

  /// Closes one of the accepted connections that have not said hello, if there are too many: the oldest of those that
  /// have not shown that they have a secret, if there are any.
  private mutating func makeRoom() {
    let greeting = connections.keys.filter { key in
      connections[key].offer == nil && peers[connections[key].peer].joined != key
    }
    guard greeting.count > Self.greetingLimit else { return }
    let withoutSecret = greeting.filter { !connections[$0].hasShownSecret }
    let candidates = withoutSecret.isEmpty ? greeting : withoutSecret
    let oldest = candidates.min { connections[$0].began < connections[$1].began }
    if let oldest { handle(.closed(reason: "too many connections have not said hello"), oldest) }
  }

  private mutating func dial(_ peer: Int) {
    guard let settings, let time = peers[peer].dialAt, now >= time else { return }
    // The secrets may have become fewer.
    let offer = min(peers[peer].offer, settings.offering.count - 1)
    peers[peer].dialed()
    do throws(SystemError) {
      let endpoint = Endpoint(address: peers[peer].node.address, port: settings.pair.port)
      let descriptor = try Socket.connect(to: endpoint, from: settings.own.address)
      _ = try add(descriptor, with: peer, settings.offering[offer], settings, offer: offer)
    } catch {
      peers[peer].failed("\(error)")
      retry(peer, hasOtherSecret: false)
    }
  }

  mutating func retry(_ peer: Int, hasOtherSecret: Bool) {
    peers[peer].retry(
      hasOtherSecret: hasOtherSecret, of: settings?.offering.count ?? 0, at: now, random: Self.random)
  }

  /// For the pauses between attempts, which need not be unpredictable.
  static var random: UInt64 { (try? RandomBytes.makeWord()) ?? 0 }

  /// `offer`: which secret this node offers, which makes the connection; nil where the other node does. Returns the
  /// connection.
  private mutating func add(
    _ descriptor: consuming Descriptor, with peer: Int, _ context: PairContext, _ settings: PairChannel.Settings,
    offer: Int?
  ) throws(SystemError) -> SlabKey {
    // Not `now`: of those that are accepted in one turn, too, the oldest makes room.
    let began = Clock.monotonic()
    var own = hello
    own.name = settings.own.name
    let link = PairLink(own: own, peer: peers[peer].node.name, refresh: settings.tables.refresh, at: began)
    let key = connections.insert(
      PairConnection(descriptor, with: peer, offer: offer, context: context, link: link, at: began))
    do throws(SystemError) {
      try poller.watch(connections[key].stream.descriptor, token: PairToken(.connection, key).rawValue)
    } catch {
      _ = connections.remove(key)
      throw error
    }
    return key
  }
}
