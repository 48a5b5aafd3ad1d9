import Configuration
import Linux
import Logging
import Pair
import Synchronization
import TLS
import Wire

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
  }

  /// What the thread has yet to take in.
  struct News: Sendable {
    var settings: Settings?
    var listeners: [HandedListener] = []
    var isStopping = false
  }

  let wakeup: Wakeup
  private let news = Mutex(News())
  private let thread = Mutex<Thread?>(nil)

  init() throws(SystemError) { wakeup = try Wakeup() }

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

  /// Applies another configuration, with the same nodes.
  func adopt(_ settings: Settings, _ listeners: [HandedListener] = []) {
    news.withLock { news in
      news.settings = settings
      news.listeners += listeners
    }
    wakeup.signal()
  }

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
