import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// A client's connection with its current exchange.
///
/// `advance` continues as far as possible without blocking. Between two calls the connection waits for an event on its
/// socket or the server's, for a slot at a server, or for its timer.
struct ClientConnection: ~Copyable {
  enum Phase: Equatable {
    /// Waiting for the PROXY protocol header.
    case awaitingHeader
    case handshaking
    /// Processing requests, one at a time; the exchange has the state of the request.
    case open
    /// Our direction has ended. Received bytes are read and discarded: otherwise the kernel would answer them with RST,
    /// and our last bytes could be lost.
    case lingering
  }

  enum Disposition: Equatable {
    case keep
    case close
  }

  /// Maximum of read and write rounds before other connections are processed: 16 records of 16 KB each way.
  static let roundsPerTurn = 16

  var client: Client
  var phase: Phase
  /// The current request. Nothing is leased before the client has begun one.
  var active = Leased<ActiveExchange>()
  /// When it began the handshake, became ready for a request, or began to linger.
  var since: Instant
  /// Number of requests begun.
  var requests = 0
  /// The instant for which the timer is armed.
  var armed = Instant.distantFuture
  /// It has yielded and continues after this turn's events, or it waits for its turn to continue the handshake.
  var isInLine = false

  init(_ client: consuming Client, at now: Instant) {
    let beginsWithHeader = client.forwarding.isPeerTrusted && client.snapshot.settings.forwarded.proxyProtocol
    phase = beginsWithHeader ? .awaitingHeader : client.service == .https ? .handshaking : .open
    self.client = client
    since = now
  }

  /// Continues as far as possible without blocking.
  mutating func advance(_ context: inout LoopContext) -> Disposition { advance(after: .again, &context) }

  /// Handles the result of an exchange's step, then continues as far as possible without blocking.
  private mutating func advance(after first: ActiveExchange.Step, _ context: inout LoopContext) -> Disposition {
    var step = first
    while true {
      switch step {
      case .again, .read: break
      case .next: endExchange(&context)
      case .linger: startLingering(&context)
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
      step =
        switch phase {
        case .awaitingHeader: awaitHeader(&context)
        case .handshaking: handshake(&context)
        case .open: advance(&context)
        case .lingering: linger(&context)
        }
    }
  }

  private mutating func advance(_ context: inout LoopContext) -> ActiveExchange.Step {
    guard active.isLeased else {
      return client.service == .passthrough ? tunnel(&context) : awaitRequest(&context)
    }
    let step = active.value.advance(&client, &context)
    return step == .read ? awaitRequest(&context) : step
  }

  /// Whether this request is under way.
  func carries(_ request: RequestKey) -> Bool {
    active.isLeased && active.value.exchange.number == request.number
  }

  /// Passes an event that occurred between two calls of `advance` to the exchange; nil when it has no effect.
  mutating func handle(_ event: Exchange.Event, _ context: inout LoopContext) -> Disposition? {
    let effects = active.value.effects(of: event, client, context)
    return effects.isEmpty ? nil : advance(after: active.value.perform(effects, &client, &context), &context)
  }

  /// Appends itself to the queue of connections that continue when it is their turn.
  mutating func standInLine(_ context: inout LoopContext) {
    guard !isInLine else { return }
    isInLine = true
    guard phase == .handshaking else { return context.leftovers.clients.append(client.key) }
    context.leftovers.handshakes.append(client.key, of: client.peer.key)
  }

  /// Allocates no TLS state before the client's first record is received, and makes no signature for a client that has
  /// left since: without its Finished no handshake can complete.
  private mutating func handshake(_ context: inout LoopContext) -> ActiveExchange.Step {
    if client.side.stream.tls == nil {
      guard client.side.stream.mayRead else { return .wait }
      let hasLeft = client.side.stream.lookForEnd()
      guard hasLeft || client.side.stream.hasFirstRecord else { return .wait }
      if !hasLeft, client.entrance.several != nil, let step = chooseByServerName(&context) { return step }
      guard !hasLeft, beginTLS(&context) else {
        context.reports.counters.refused.handshakes += 1
        return .close
      }
    } else if client.side.stream.hasEnded, client.side.stream.tls?.awaitsHello == true {
      context.reports.counters.refused.handshakes += 1
      return .close
    }
    switch client.side.stream.tls?.handshake() {
    case .done:
      since = context.now
      if client.snapshot.hosts.count > 1 { client.certificateSet = client.side.stream.tls?.certificateSet ?? 0 }
      phase = .open
      if context.isStopping { startLingering(&context) }
      return .again
    case .wantsRead, .wantsWrite:
      return .wait
    case .yield:
      return .yield
    case .failed(let failure):
      context.reports.counters.refused.handshakes += 1
      context.reports.log.debug(
        "TLS handshake with \(client.peer.endpoint) failed: \(failure.description)", metadata: client.subject)
      return .close
    case nil:
      return .close
    }
  }

  private mutating func beginTLS(_ context: inout LoopContext) -> Bool {
    guard let front = client.snapshot.front else { return false }
    do throws(TLSError) {
      try client.side.stream.answerTLS(context: front, through: context.bio)
      return true
    } catch {
      context.reports.log.error("TLS for \(client.peer.endpoint) could not begin: \(error)", metadata: client.subject)
      return false
    }
  }

  /// Whether its handshake has begun, or bytes to begin it may have been received.
  var hasSpoken: Bool { client.side.stream.tls != nil || client.side.stream.mayRead || client.side.stream.hasEnded }

  /// Whether it has not sent a byte since it connected, or no complete record, so that no resources were spent on it.
  var isSilent: Bool {
    if phase == .awaitingHeader { return true }
    return switch client.service {
    case .https: phase == .handshaking && client.side.stream.tls == nil
    case .redirect: phase == .open && requests == 0 && !active.isLeased
    case .passthrough:
      active.isLeased && active.value.exchange.record.bytesFromClient == 0
        && active.value.exchange.record.bytesToClient == 0
    }
  }

  /// Whether it has completed a handshake or a request, and has not begun another one.
  var isIdle: Bool { phase == .open && !active.isLeased && !isSilent }

  func isEvictable(as kind: EvictionClass) -> Bool {
    switch kind {
    case .silent: isSilent
    case .unfinished: phase == .handshaking
    case .idle: isIdle
    }
  }

  /// Reads until a request head is complete, and routes it.
  mutating func awaitRequest(_ context: inout LoopContext) -> ActiveExchange.Step {
    var end: StreamEnd?
    var isFresh = !client.side.input.isEmpty
    if isFresh, !active.isLeased { beginExchange(&context) }
    // A head may arrive in records of one byte.
    for _ in 0..<ClientConnection.roundsPerTurn {
      if !isFresh {
        guard client.side.stream.mayRead else { return parkIdle(&context) }
        let incoming = client.side.receive(&context.buffers)
        if !active.isLeased, incoming != .wouldBlock, incoming != .yield { beginExchange(&context) }
        switch incoming {
        case .bytes(let count): active.value.exchange.received(count)
        case .wouldBlock: return .wait
        case .yield: return .yield
        case .ended(let how): end = how
        }
      }
      isFresh = false
      let (step, effects) = active.value.exchange.readRequestHead(
        in: &client.side.input, end: end, policy: client.snapshot.policy, at: context.now)
      switch step {
      case .incomplete: continue
      case .head, .body: return begin(&context)
      case .closed, .truncated: break
      case .refused(let rejection):
        noteRequestLine(&context)
        noteRefusal(rejection, &context)
      }
      return active.value.perform(effects, &client, &context)
    }
    return .yield
  }

  private func noteRefusal(_ rejection: Rejection, _ context: inout LoopContext) {
    context.reports.counters.refused.requests += 1
    context.reports.log.debug(
      "request of \(client.identity.endpoint) refused: \(rejection.reason)", metadata: client.subject)
  }

  mutating func beginExchange(_ context: inout LoopContext) {
    let (number, isPrivate, kind, retries, since, kept) =
      (requests + 1, client.isPrivate, client.service.exchangeKind, client.snapshot.policy.retries, since, client.kept)
    context.leases.exchanges.lease(
      &active,
      ActiveExchange(
        exchange: Exchange(number: number, isPrivate: isPrivate, kind: kind, retries: retries, at: since),
        connection: kept))
    guard let kept else { return }
    context.servers[kept].request = active.value.key(on: client)
    client.kept = nil
  }

  /// Cleans up after an exchange.
  mutating func endExchange(_ context: inout LoopContext) {
    client.isPrivate = active.value.exchange.isPrivate
    client.kept = active.value.connection
    context.leases.exchanges.giveBack(&active)
    if client.origin != nil { client.forgetOrigin(context) }
    since = context.now
  }

  /// Releases the buffer of an idle connection.
  private mutating func parkIdle(_ context: inout LoopContext) -> ActiveExchange.Step {
    if client.side.input.isEmpty { context.buffers.giveBack(&client.side.input) }
    return .wait
  }

  /// Relays opaque bytes from the start.
  private mutating func tunnel(_ context: inout LoopContext) -> ActiveExchange.Step {
    beginExchange(&context)
    return active.value.accepted(isLast: true, &client, &context)
  }

  private mutating func begin(_ context: inout LoopContext) -> ActiveExchange.Step {
    requests += 1
    context.reports.counters.requests += 1
    noteRequestLine(&context)
    if client.service == .redirect, client.entrance.several != nil { chooseByHost() }
    // A reload may have added or removed names.
    _ = client.adoptNewest(context)
    if client.forwarding.isPeerTrusted || client.earlier != nil, !identify(&context) {
      return deny(.tooManyOfClient, &context)
    }
    guard client.service == .redirect || isForService() else { return deny(.hostNotServed, &context) }
    // Or its service was removed.
    let isLast = context.isStopping || !context.isNewest(client.snapshot)
    return active.value.accepted(isLast: isLast, &client, &context)
  }

  @inline(never)
  private mutating func deny(_ rejection: Rejection, _ context: inout LoopContext) -> ActiveExchange.Step {
    noteRefusal(rejection, &context)
    return active.value.react(to: .denied(rejection), &client, &context)
  }

  /// Whether the request's Host is served here. Requests through a trusted proxy may have any, unless
  /// several services listen here.
  private func isForService() -> Bool {
    guard client.certificateSet < client.snapshot.hosts.count else { return true }
    if client.forwarding.isPeerTrusted, !client.entrance.isShared { return true }
    let host = active.value.exchange.request?.host ?? .absent
    return client.snapshot.hosts[client.certificateSet].contains(host.slice(of: client.side.input.bytes))
  }

  /// Stores the first line for the access log, up to the length limit of a log line.
  private mutating func noteRequestLine(_ context: inout LoopContext) {
    guard context.reports.accessLog.isOpen else { return }
    context.reports.accessLog.write(firstLineOf: client.side.input, to: &active.value.requestLine)
  }
}
