import Configuration
import Domain
import Linux
import Logging
import Pair
import Synchronization
import TLS
import Wire
import WorkerProtocol

/// The channel to the other nodes of the pair: a thread of its own, which no loop ever waits for, nor it for a loop.
final class PairChannel: Sendable {
  /// What the thread needs of a configuration.
  struct Settings: Sendable {
    let pair: Configuration.Pair
    let own: Configuration.Pair.Node
    /// For connections from other nodes.
    let accepting: PairContext
    /// For connections to other nodes, by the secret that is offered.
    let offering: [PairContext]
    let tables: PairTables

    /// Nil without a pair.
    init?(_ snapshot: ConfigurationSnapshot) throws(TLSError) {
      guard let pair = snapshot.configuration.pair, let own = pair.own, let secrets = snapshot.secrets else {
        return nil
      }
      self.pair = pair
      self.own = own
      accepting = try PairContext(accepting: secrets)
      var offering: [PairContext] = []
      for index in 0..<secrets.count { offering.append(try PairContext(offering: secrets, at: index)) }
      self.offering = offering
      tables = PairTables(snapshot.services)
    }

    /// Whether the secret of connections is still valid under the next settings.
    func hasValidSecrets(under next: Settings) -> Bool { next.accepting.hasSecrets(of: accepting) }

    /// Whether the tables that the nodes have exchanged are complete under the next settings.
    func hasCompleteTables(under next: Settings) -> Bool { tables.isAlike(next.tables) }
  }

  /// What the thread has yet to take in.
  struct News: Sendable {
    var settings: Settings?
    var listeners: [HandedListener] = []
    /// What the supervisor has of servers since the last time.
    var adminStates: [String: AdminState] = [:]
    var facts: [UInt8]?
    var vitals: [UInt8]?
    /// As many as the windows of the supervisor's streams allow.
    var streams: [(StreamMessage, node: String)] = []
    var isStopping = false

    /// For the nodes that have joined.
    var events: [PairLink.Event] {
      [adminStates.isEmpty ? nil : .adminStates(adminStates), facts.map { .facts($0) }, vitals.map { .vitals($0) }]
        .compactMap { $0 }
    }
  }

  /// The facts and vitals of this node, as received from the supervisor.
  struct OwnNode: Sendable {
    fileprivate var pieces = PieceBuffer(limit: NodeFacts.byteLimit)
    fileprivate(set) var facts: [UInt8]?
    fileprivate(set) var vitals: [UInt8]?
  }

  let wakeup: Wakeup
  private let news = Mutex(News())
  private let ownNode = Mutex(OwnNode())
  private let counted = Mutex(PairCounts())
  private let thread = Mutex<Thread?>(nil)

  private let sharedState: SharedState
  private let control: ControlChannel

  init(_ sharedState: SharedState, _ control: ControlChannel) throws(SystemError) {
    wakeup = try Wakeup()
    self.sharedState = sharedState
    self.control = control
  }

  /// Starts the thread. `release`: of this binary. `whenTablesAreThere` is called once, when every other node has sent
  /// its tables, has none, or had its time.
  func start(
    _ settings: Settings, _ listeners: [HandedListener], release: String, log: Logger,
    whenTablesAreThere: @escaping @Sendable () -> Void
  ) throws {
    adopt(settings, listeners)
    try thread.withLock { thread throws in
      let made = Mutex<PairLoop?>(
        try PairLoop(self, release: release, log: log, at: Clock.monotonic(), whenTablesAreThere: whenTablesAreThere))
      thread = try Thread(name: "pair") {
        var loop = made.withLock { $0.take() }
        loop?.run()
      }
    }
  }

  /// The bytes of all connections so far.
  var counts: PairCounts { counted.withLock { $0 } }

  /// Counts bytes of messages.
  func count(received: Int = 0, sent: Int = 0) {
    counted.withLock { counts in
      counts.received &+= UInt64(received)
      counts.sent &+= UInt64(sent)
    }
  }

  /// Applies another configuration, with the same nodes.
  func adopt(_ settings: Settings, _ listeners: [HandedListener] = []) {
    news.withLock { news in
      news.settings = settings
      news.listeners += listeners
    }
    wakeup.signal()
  }

  /// Sends the other nodes a server's administrative state.
  func publish(_ state: AdminState, of server: String) {
    news.withLock { $0.adminStates[server] = state }
    wakeup.signal()
  }

  /// Sends another node a message of the supervisor about a stream.
  func pass(_ message: StreamMessage, to node: String) {
    news.withLock { $0.streams.append((message, node: node)) }
    wakeup.signal()
  }

  /// Reports a message of another node about a stream to the supervisor.
  func report(_ message: StreamMessage, of node: String) { control.send(.stream(message, node: node)) }

  /// All administrative states, for a node that has joined.
  var adminStates: [String: AdminState] { sharedState.allAdminStates }

  /// Reports another node's states to the supervisor, which takes over those that are later than the ones here.
  func report(_ states: [String: AdminState]) {
    for (server, state) in states where state.node != nil {
      if sharedState.isLater(state, of: server) { control.send(.adminState(state, server: server)) }
    }
  }

  /// Sends this node's facts to the other nodes, once the last piece was received.
  func publish(facts piece: BytePiece) {
    let facts = ownNode.withLock { own -> [UInt8]? in
      // The supervisor sends whole series.
      guard let facts = try? own.pieces.append(piece) else { return nil }
      own.facts = facts
      return facts
    }
    guard let facts else { return }
    news.withLock { $0.facts = facts }
    wakeup.signal()
  }

  /// Sends the other nodes this one's state.
  func publish(vitals: [UInt8]) {
    ownNode.withLock { $0.vitals = vitals }
    news.withLock { $0.vitals = vitals }
    wakeup.signal()
  }

  /// What is sent to a node that has joined.
  var own: OwnNode { ownNode.withLock { $0 } }

  /// Whether the supervisor has taken everything that was reported to it.
  var mayReport: Bool { !control.isBehind }

  /// Passes another node's facts or vitals to the supervisor.
  func report(facts: [UInt8], of node: String) {
    for piece in BytePiece.pieces(of: facts) { control.send(.nodeFacts(piece, node: node)) }
  }

  /// Reports another node's state.
  func report(vitals: [UInt8], of node: String) { control.send(.nodeVitals(vitals, node: node)) }

  /// Sends what other nodes do not know yet, leaves, and waits for the thread's end, which takes one turn.
  func stop() {
    news.withLock { $0.isStopping = true }
    wakeup.signal()
    thread.withLock { $0.take() }?.join()
  }

  /// For the thread.
  func takeNews() -> News {
    wakeup.drain()
    return news.withLock { news in
      defer { news = News() }
      return news
    }
  }
}
