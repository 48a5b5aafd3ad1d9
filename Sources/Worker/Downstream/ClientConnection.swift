import Balancing
import Configuration
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// A client's connection and the exchange on it.
///
/// The exchange decides what becomes of a request (`Exchange.handle`); this tells it what happens and performs its effects.
/// `advance` goes as far as can be gone without waiting. Between two calls it waits for an event on its socket or its
/// server's, for a place at a server, or for its timer.
struct ClientConnection: ~Copyable {
  enum Phase: Equatable {
    case handshaking
    /// It carries requests, one at a time; which one, and how far it has come, is the exchange's.
    case open
    /// Our direction has ended; what still comes is read and dropped, so that the kernel does not answer it with RST
    /// and take our last bytes away.
    case lingering
  }

  enum Disposition: Equatable {
    case keep
    case close
  }

  /// What one step of a phase came to.
  enum Step: Equatable {
    case again
    case wait
    /// There is more to do, but others have waited long enough.
    case yield
    case close
  }

  var stream: Stream
  let service: Service
  let peer: Endpoint
  /// What it is known by to the balancing.
  let identity: ClientKey
  /// What its places at servers are counted by.
  let account: ConnectionLedger.Account
  var forwarding: ForwardedFields
  /// The newest when its last request was routed.
  var snapshot: ConfigurationSnapshot
  var phase: Phase
  /// The request under way and its answer. Nothing is leased while the client has not begun one.
  var exchange = Leased<Exchange>()
  /// When it began the handshake, became ready for a request, or began to linger.
  var since: Instant
  /// Bytes from the client that were not consumed: the request as it came.
  var input = Buffer()
  /// Rewritten heads and pages for the client.
  var output = Buffer()
  /// Its own name in the slab.
  var key = SlabKey(index: 0, generation: 0)

  /// The server chosen for the exchange.
  var server: Int?
  /// Its stay in that server's queue.
  var ticket: Admission<WaitingClient>.Ticket?
  /// It holds a place at that server, to be given back.
  var isAdmitted = false
  /// The connection in use, or kept privately between exchanges.
  var connection: SlabKey?
  /// Servers that failed this exchange.
  var tried = ServerSet()
  /// What the affinity tables call this client's session: of its address, and of the cookie that came last.
  var session: AffinityShards.Session?
  var cookieSession: AffinityShards.Session?
  /// The choice made for an earlier request here, good for the same cookie and as long as no server changes its state.
  var routed: (server: Int, epoch: UInt64, cookie: ClientKey?)?

  /// Of the snapshot's `hosts`, which one holds here: by the certificate that was shown.
  var certificateSet = 0

  /// Why that server, until it has answered: then the client is assigned to it.
  var unsettled: Backend.Choice.Basis?

  /// The request line for the log.
  var requestLine: [UInt8] = []
  /// Requests begun.
  var requests = 0
  /// The server's connection stays this client's, as an exchange has decided.
  var isPrivate = false
  /// The timer is armed for then.
  var armed = Instant.distantFuture
  /// It gave way, and goes on when the turn's events are through, or it waits for its turn to go on with the handshake.
  var isInLine = false

  /// What a listener's connections are for.
  enum Service: Equatable, Sendable {
    case https
    case redirect
    case passthrough

    var exchangeKind: Exchange.Kind {
      switch self {
      case .https: .relayed
      case .redirect: .redirected
      case .passthrough: .opaque
      }
    }
  }

  init(
    stream: consuming Stream, service: Service, peer: Endpoint, identity: ClientKey,
    account: ConnectionLedger.Account, forwarding: ForwardedFields, snapshot: ConfigurationSnapshot, at now: Instant
  ) {
    self.stream = stream
    self.service = service
    self.peer = peer
    self.identity = identity
    self.account = account
    self.forwarding = forwarding
    self.snapshot = snapshot
    since = now
    switch service {
    case .https: phase = .handshaking
    case .redirect, .passthrough: phase = .open
    }
  }

  /// Goes as far as it can without waiting.
  mutating func advance(_ context: inout LoopContext) -> Disposition {
    while true {
      let step =
        switch phase {
        case .handshaking: handshake(&context)
        case .open:
          exchange.isLeased ? goOn(&context) : service == .passthrough ? tunnel(&context) : awaitRequest(&context)
        case .lingering: linger(&context)
        }
      switch step {
      case .again: continue
      case .wait:
        arm(&context)
        return .keep
      case .yield:
        standInLine(&context)
        arm(&context)
        return .keep
      case .close:
        return .close
      }
    }
  }

  /// Goes on when it is its turn, behind those who have come before.
  mutating func standInLine(_ context: inout LoopContext) {
    guard !isInLine else { return }
    isInLine = true
    if phase == .handshaking { context.handshakes.append(key, of: identity) } else { context.runnable.append(key) }
  }

  /// Nothing of TLS is made before the client's first record is here, and nothing is signed for one that has left since:
  /// without its Finished no handshake ends.
  private mutating func handshake(_ context: inout LoopContext) -> Step {
    if stream.tls == nil {
      guard stream.mayRead else { return .wait }
      let hasLeft = stream.lookForEnd()
      guard hasLeft || stream.hasFirstRecord else { return .wait }
      guard !hasLeft, beginTLS(&context) else {
        context.counters.failedHandshakes += 1
        return .close
      }
    } else if stream.hasEnded, stream.tls?.awaitsHello == true {
      context.counters.failedHandshakes += 1
      return .close
    }
    switch stream.tls?.handshake() {
    case .done:
      since = context.now
      context.counters.handshakes += 1
      if snapshot.hosts.count > 1 { certificateSet = stream.tls?.certificateSet ?? 0 }
      phase = .open
      if context.isStopping { startLingering(&context) }
      return .again
    case .wantsRead, .wantsWrite:
      return .wait
    case .yield:
      return .yield
    case .failed(let failure):
      context.counters.failedHandshakes += 1
      context.log.debug("TLS handshake with \(peer) failed: \(failure.description)", metadata: subject)
      return .close
    case nil:
      return .close
    }
  }

  private mutating func beginTLS(_ context: inout LoopContext) -> Bool {
    guard let front = snapshot.front else { return false }
    do throws(TLSError) {
      try stream.answerTLS(context: front, through: context.bio)
      return true
    } catch {
      context.log.error("TLS for \(peer) could not begin: \(error)", metadata: subject)
      return false
    }
  }

  /// Its handshake has begun, or there may be something to begin it with.
  var hasSpoken: Bool { stream.tls != nil || stream.mayRead || stream.hasEnded }

  /// It has not sent a byte since it connected, or no whole record, so that nothing was done for it yet.
  var isSilent: Bool {
    switch service {
    case .https: phase == .handshaking && stream.tls == nil
    case .redirect: phase == .open && requests == 0 && !exchange.isLeased
    case .passthrough: exchange.isLeased && exchange.value.record.bytesFromClient == 0
    }
  }

  /// It has ended a handshake or a request, and has not begun another one.
  var isIdle: Bool { phase == .open && !exchange.isLeased && !isSilent }

  /// Reads until a request head is complete, and routes it.
  mutating func awaitRequest(_ context: inout LoopContext) -> Step {
    var ended = false
    var isFresh = !input.isEmpty
    if isFresh, !exchange.isLeased { beginExchange(&context) }
    // A head may come in records of a byte.
    for _ in 0..<ClientConnection.roundsPerTurn {
      if !isFresh {
        guard stream.mayRead else { return settle(&context) }
        context.buffers.lease(&input)
        makeRoom(&context)
        let incoming = stream.read(into: &input)
        if !exchange.isLeased, incoming != .wouldBlock, incoming != .yield { beginExchange(&context) }
        switch incoming {
        case .bytes(let count): exchange.value.received(count)
        case .wouldBlock: return settle(&context)
        case .yield: return .yield
        case .ended: ended = true
        }
      }
      isFresh = false
      switch exchange.value.readRequestHead(in: &input, ended: ended, policy: snapshot.policy, at: context.now) {
      case .incomplete: continue
      case .head, .body: return begin(&context)
      case .closed: return react(to: .clientEnded, &context)
      case .truncated: return clientLeft(&context)
      case .refused(let rejection):
        noteRequestLine(&context)
        noteRefusal(rejection, &context)
        return react(to: .refused(rejection), &context)
      }
    }
    return .yield
  }

  private func noteRefusal(_ rejection: Rejection, _ context: inout LoopContext) {
    context.counters.refusedRequests += 1
    context.log.debug("request of \(peer) refused: \(rejection.reason)", metadata: subject)
  }

  /// A head that fills a buffer gets a larger one: what is too large is refused before that is full.
  private mutating func makeRoom(_ context: inout LoopContext) {
    if input.room == 0 { input.compact() }
    if input.room == 0 { context.buffers.enlarge(&input) }
  }

  private mutating func beginExchange(_ context: inout LoopContext) {
    let (isFirst, isPrivate, kind, retries, since) =
      (isFirst, isPrivate, service.exchangeKind, snapshot.policy.retries, since)
    context.exchanges.lease(
      &exchange, Exchange(isFirst: isFirst, isPrivate: isPrivate, kind: kind, retries: retries, at: since))
  }

  /// No request has been begun yet: waiting for the first counts as http-request, not as keep-alive.
  var isFirst: Bool { requests == 0 }

  /// Nothing to read for now: an idle connection holds no buffer.
  private mutating func settle(_ context: inout LoopContext) -> Step {
    if input.isEmpty { context.buffers.giveBack(&input) }
    return .wait
  }

  /// Opaque bytes from the first on.
  private mutating func tunnel(_ context: inout LoopContext) -> Step {
    beginExchange(&context)
    return perform(exchange.value.accepted(isLast: true, at: context.now), &context)
  }

  private mutating func begin(_ context: inout LoopContext) -> Step {
    requests += 1
    context.counters.requests += 1
    noteRequestLine(&context)
    guard service == .redirect || isForService() else {
      noteRefusal(.hostNotServed, &context)
      return react(to: .misdirected, &context)
    }
    let isLast = context.isStopping || requests >= snapshot.policy.requestsPerConnection ?? .max
    return perform(exchange.value.accepted(isLast: isLast, at: context.now), &context)
  }

  /// Whether the request's Host is a name of ours. Who comes through a trusted proxy has asked for that one's names.
  private mutating func isForService() -> Bool {
    guard certificateSet < snapshot.hosts.count, !forwarding.isPeerTrusted else { return true }
    return ClientConnection.contains(
      exchange.value.request?.host ?? .absent, of: input, in: snapshot.hosts[certificateSet])
  }

  private static func contains(_ host: ByteRange, of input: borrowing Buffer, in hosts: ServedHosts) -> Bool {
    hosts.contains(host.slice(of: input.bytes))
  }

  /// Keeps the first line for the access log, as much as fits a line there.
  private mutating func noteRequestLine(_ context: inout LoopContext) {
    guard context.accessLog.isOpen else { return }
    context.accessLog.write(firstLineOf: input, to: &requestLine)
  }
}
