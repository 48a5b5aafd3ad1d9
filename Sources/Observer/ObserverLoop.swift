import Control
import Glibc
import Linux
import Logging
import Observe
import TLS
import Wire

/// The observer's event loop: the supervisor's reports, and clients over HTTP.
struct ObserverLoop: ~Copyable {
  /// The most connections of clients: a few Prometheus servers, and people.
  static let connectionLimit = 64
  /// The most connections of clients outside `networks`. They are told so, and take no place of others.
  private static let refusedLimit = 8
  /// The most open pages: connections that stay, and are the last ones to make room.
  private static let streamLimit = 16
  /// The most clients that have not taken what was sent. Each may hold the text of another report.
  private static let answerLimit = 16
  /// New connections of a listener in a turn.
  private static let acceptsPerTurn = 16

  private enum Source: UInt64 {
    case signals, reportListener, reports, nextReports
    /// Its index is the listener's.
    case listener
    /// Its key is the client's.
    case client
  }
  private typealias Token = PollerToken<Source>

  private let sockets: ObserverSockets
  private let networks: [IPPrefix]
  /// Nil: plain http.
  private var certificate: ObserverCertificate?
  private let poller: Poller
  private let signals: SignalReader
  private var site: ObserverSite
  private var receiver: ReportReceiver?
  /// A newer connection, which has sent nothing yet.
  private var nextReceiver: ReportReceiver?
  private var clients = Slab<ObserverClient>(capacity: ObserverLoop.connectionLimit + ObserverLoop.refusedLimit)
  /// Those that have more to do in the next turn, once each.
  private var busy: [SlabKey] = []
  /// Why a client was turned away in this turn: the last one.
  private var refusal: (address: IPAddress, reason: String)?
  private var refusals = LogRateLimiter<Bool>(every: .seconds(60))
  /// Until when nothing is accepted, for lack of memory or descriptors.
  private var pauseEnd: Instant?

  /// Opens all that the loop needs.
  init(
    _ sockets: ObserverSockets, networks: [IPPrefix], _ certificate: ObserverCertificate?, _ site: ObserverSite
  ) throws(SystemError) {
    let signals = try SignalReader([SIGTERM, SIGINT])
    let poller = try Poller()
    try poller.watchLevel(signals.descriptor, token: Token(.signals).rawValue)
    try Self.watch(sockets, poller)
    self.sockets = sockets
    self.networks = networks
    self.certificate = certificate
    self.site = site
    self.signals = signals
    self.poller = poller
  }

  private static func watch(_ sockets: ObserverSockets, _ poller: borrowing Poller) throws(SystemError) {
    try poller.watchLevel(sockets.reports.descriptor, token: Token(.reportListener).rawValue)
    for (index, listener) in sockets.listeners.enumerated() {
      try poller.watchLevel(listener.descriptor, token: Token(.listener, index: index).rawValue)
    }
  }

  /// Returns after SIGTERM or SIGINT.
  consuming func run(_ log: Logger) {
    while true {
      let count = poller.wait(timeout)
      let events = (0..<count).map { index in
        let event = poller.event(at: index)
        return (token: Token(rawValue: event.token), readiness: event.readiness)
      }
      if events.contains(where: { $0.token.kind == .signals }), signals.next() != nil { return }
      for (event, readiness) in events {
        switch event.kind {
        case .reportListener: acceptReports(log)
        case .reports: readReports(log)
        case .nextReports: readNextReports(log)
        case .listener: accept(from: event.index, log)
        // An event of the same batch may have closed it.
        case .client: if clients.contains(event.key) { handle(readiness, of: event.key) }
        case .signals, nil: break
        }
      }
      let waiting = busy
      busy = []
      for key in waiting where clients.contains(key) { proceed(key) }
      handleTimeouts()
      logRefusal(log)
      certificate?.warn(log)
    }
  }

  private var timeout: Interval {
    if !busy.isEmpty { return .zero }
    var next = min(pauseEnd ?? .distantFuture, certificate?.nextLook ?? .distantFuture)
    for key in clients.keys { next = min(next, clients[key].connection.deadline ?? next) }
    return next - Clock.monotonic()
  }

  private mutating func handleTimeouts() {
    let now = Clock.monotonic()
    for key in clients.keys {
      clients[key].handleTimeout(at: now)
      if clients[key].connection.state == .over { close(key) }
    }
    if let end = pauseEnd, now >= end {
      pauseEnd = nil
      do throws(SystemError) { try Self.watch(sockets, poller) } catch { pause() }
    }
  }

  // MARK: the supervisor

  /// A newer connection replaces the former one when it has sent something: the supervisor has restarted.
  private mutating func acceptReports(_ log: Logger) {
    do throws(SystemError) {
      while let socket = try LocalSocket.accept(from: sockets.reports.descriptor) {
        nextReceiver = ReportReceiver(socket)
        try nextReceiver?.watch(poller, token: Token(.nextReports).rawValue)
      }
    } catch { pause(after: error, log) }
  }

  private mutating func readReports(_ log: Logger) {
    guard let receipt = receiver?.read() else { return }
    if case .ended = receipt {
      receiver = nil
      site.handleEndOfReports(at: Clock.monotonic())
    }
    handle(receipt, log)
  }

  private mutating func readNextReports(_ log: Logger) {
    guard let receipt = nextReceiver?.read() else { return }
    switch receipt {
    case .ended: nextReceiver = nil
    case .incomplete where nextReceiver?.hasBegun != true: return
    case .incomplete, .report: replaceReceiver(log)
    }
    handle(receipt, log)
  }

  private mutating func replaceReceiver(_ log: Logger) {
    receiver = nextReceiver.take()
    do throws(SystemError) { try receiver?.watch(poller, token: Token(.reports).rawValue) } catch {
      pause(after: error, log)
    }
  }

  private mutating func handle(_ receipt: ReportReceiver.Receipt, _ log: Logger) {
    switch receipt {
    case .report(let report): publish(report)
    case .ended(let reason):
      if let reason { log.warning("observe: the service's report can't be used: \(reason)") }
    case .incomplete: break
    }
  }

  private mutating func publish(_ report: StatusReport) {
    let now = Clock.monotonic()
    let pages = clients.keys.filter { clients[$0].connection.isStreaming }
    let message = site.update(report, at: now, isShown: !pages.isEmpty)
    // A slow one may have made room.
    for key in pages where clients.contains(key) {
      clients[key].send(message, at: now)
      if !clients[key].isBusy { proceed(key) }
    }
  }

  // MARK: clients

  private mutating func accept(from index: Int, _ log: Logger) {
    do throws(SystemError) {
      for _ in 0..<Self.acceptsPerTurn {
        guard let accepted = try Socket.accept(from: sockets.listeners[index].descriptor) else { return }
        let address = accepted.peer.address
        let isAdmitted = networks.isEmpty || networks.contains { $0.contains(address) }
        // Other addresses cost no handshake.
        guard isAdmitted || certificate == nil else {
          refusal = (address, "is not in `networks`")
          continue
        }
        guard let client = client(accepted.takeDescriptor(), from: address, isAdmitted: isAdmitted) else { continue }
        makeRoom(isAdmitted: isAdmitted)
        let key = clients.insert(client)
        do throws(SystemError) {
          try clients[key].watch(poller, token: Token(.client, key).rawValue)
        } catch {
          close(key)
          throw error
        }
      }
    } catch { pause(after: error, log) }
  }

  /// Nil when OpenSSL can't make a connection.
  private mutating func client(
    _ socket: consuming Descriptor, from address: IPAddress, isAdmitted: Bool
  ) -> ObserverClient? {
    do throws(TLSError) {
      return try ObserverClient(
        socket, from: address, tls: certificate?.context, isAdmitted: isAdmitted, at: Clock.monotonic())
    } catch {
      refusal = (address, "gets no TLS: \(error)")
      return nil
    }
  }

  /// For one more client, among those that are admitted or among the others. The address with most connections makes
  /// room, so that one that opens connections without end takes the places of its own.
  private mutating func makeRoom(isAdmitted: Bool) {
    let alike = clients.keys.filter { clients[$0].isAdmitted == isAdmitted }
    guard alike.count >= (isAdmitted ? Self.connectionLimit : Self.refusedLimit) else { return }
    let counts = Dictionary(alike.map { (clients[$0].address, 1) }, uniquingKeysWith: +)
    let most = counts.values.max()
    let first = alike.filter { counts[clients[$0].address] == most }.min {
      clients[$0].connection.evictionRank < clients[$1].connection.evictionRank
    }
    if let first { close(first) }
  }

  private mutating func handle(_ readiness: Readiness, of key: SlabKey) {
    clients[key].became(readiness)
    // A busy one has its turn anyway.
    if !clients[key].isBusy { proceed(key) }
  }

  private mutating func proceed(_ key: SlabKey) {
    let streams = clients.keys.count { clients[$0].connection.isStreaming }
    clients[key].proceed(&site, mayStream: streams < Self.streamLimit, at: Clock.monotonic())
    if clients[key].isBusy { busy.append(key) }
    if clients[key].connection.state == .over {
      if let failure = clients[key].failure { refusal = (clients[key].address, "the TLS handshake failed: \(failure)") }
      close(key)
    } else if clients[key].connection.isSending {
      limitAnswers()
    }
  }

  /// Closes the connection whose answer has taken longest when there are too many: a scrape takes a moment, and has to
  /// succeed beside clients that read nothing.
  private mutating func limitAnswers() {
    let sending = clients.keys.filter { clients[$0].connection.isSending }
    guard sending.count > Self.answerLimit else { return }
    let oldest = sending.min { clients[$0].connection.since < clients[$1].connection.since }
    if let oldest { close(oldest) }
  }

  /// At most one a minute: an administrator looks for the reason of his own client.
  private mutating func logRefusal(_ log: Logger) {
    guard let (address, reason) = refusal.take(), let more = refusals.take(true, at: Clock.monotonic()) else { return }
    let others = more == 0 ? "" : "; \(more) more were turned away since the last such line"
    log.notice("observe: the client \(address): \(reason)\(others)")
  }

  private mutating func close(_ key: SlabKey) { _ = clients.remove(key) }

  /// Logs that the machine is out of memory or descriptors, and accepts nothing for a while: the event would come again
  /// at once.
  private mutating func pause(after error: SystemError, _ log: Logger) {
    log.warning("observe: \(error)")
    pause()
  }

  private mutating func pause() {
    poller.forget(sockets.reports.descriptor)
    for listener in sockets.listeners { poller.forget(listener.descriptor) }
    pauseEnd = Clock.monotonic() + .milliseconds(500)
  }
}
