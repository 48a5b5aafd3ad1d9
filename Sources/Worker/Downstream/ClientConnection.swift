import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// A client's connection, and the exchange on it.
///
/// `advance` goes as far as can be gone without waiting. Between two calls it waits for an event on its socket or its
/// server's, for a place at a server, or for its timer.
struct ClientConnection: ~Copyable {
  enum Phase: Equatable {
    /// A proxy is to say whose connection it is.
    case awaitingHeader
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

  /// Rounds of reading and writing before others get their turn: 16 records of 16 KB each way.
  static let roundsPerTurn = 16

  var client: Client
  var phase: Phase
  /// The request under way. Nothing is leased while the client has not begun one.
  var active = Leased<ActiveExchange>()
  /// When it began the handshake, became ready for a request, or began to linger.
  var since: Instant
  /// Requests begun.
  var requests = 0
  /// The timer is armed for then.
  var armed = Instant.distantFuture
  /// It gave way, and goes on when the turn's events are through, or it waits for its turn to go on with the handshake.
  var isInLine = false

  init(_ client: consuming Client, at now: Instant) {
    let beginsWithHeader = client.forwarding.isPeerTrusted && client.snapshot.settings.forwarded.proxyProtocol
    phase = beginsWithHeader ? .awaitingHeader : client.service == .https ? .handshaking : .open
    self.client = client
    since = now
  }

  /// Goes as far as it can without waiting.
  mutating func advance(_ context: inout LoopContext) -> Disposition { advance(after: .again, &context) }

  /// Does what a step of the exchange came to, then goes as far as it can without waiting.
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
        case .open: goOn(&context)
        case .lingering: linger(&context)
        }
    }
  }

  private mutating func goOn(_ context: inout LoopContext) -> ActiveExchange.Step {
    guard active.isLeased else {
      return client.service == .passthrough ? tunnel(&context) : awaitRequest(&context)
    }
    let step = active.value.goOn(&client, &context)
    return step == .read ? awaitRequest(&context) : step
  }

  /// Tells the exchange what happened between two calls of `advance`; nil when that changes nothing.
  mutating func handle(_ event: Exchange.Event, _ context: inout LoopContext) -> Disposition? {
    let effects = active.value.tell(event, client, context)
    return effects.isEmpty ? nil : advance(after: active.value.perform(effects, &client, &context), &context)
  }

  /// Goes on when it is its turn, behind those who have come before.
  mutating func standInLine(_ context: inout LoopContext) {
    guard !isInLine else { return }
    isInLine = true
    guard phase == .handshaking else { return context.leftovers.clients.append(client.key) }
    context.leftovers.handshakes.append(client.key, of: client.peer.key)
  }

  /// Nothing of TLS is made before the client's first record is here, and nothing is signed for one that has left since:
  /// without its Finished no handshake ends.
  private mutating func handshake(_ context: inout LoopContext) -> ActiveExchange.Step {
    if client.side.stream.tls == nil {
      guard client.side.stream.mayRead else { return .wait }
      let hasLeft = client.side.stream.lookForEnd()
      guard hasLeft || client.side.stream.hasFirstRecord else { return .wait }
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

  /// Its handshake has begun, or there may be something to begin it with.
  var hasSpoken: Bool { client.side.stream.tls != nil || client.side.stream.mayRead || client.side.stream.hasEnded }

  /// It has not sent a byte since it connected, or no whole record, so that nothing was done for it yet.
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

  /// It has ended a handshake or a request, and has not begun another one.
  var isIdle: Bool { phase == .open && !active.isLeased && !isSilent }

  func isDispensable(as kind: Dispensable) -> Bool {
    switch kind {
    case .silent: isSilent
    case .unfinished: phase == .handshaking
    case .idle: isIdle
    }
  }

  /// Reads until a request head is complete, and routes it.
  mutating func awaitRequest(_ context: inout LoopContext) -> ActiveExchange.Step {
    var ended = false
    var isFresh = !client.side.input.isEmpty
    if isFresh, !active.isLeased { beginExchange(&context) }
    // A head may come in records of a byte.
    for _ in 0..<ClientConnection.roundsPerTurn {
      if !isFresh {
        guard client.side.stream.mayRead else { return parkIdle(&context) }
        let incoming = client.side.receive(&context.buffers)
        if !active.isLeased, incoming != .wouldBlock, incoming != .yield { beginExchange(&context) }
        switch incoming {
        case .bytes(let count): active.value.exchange.received(count)
        case .wouldBlock: return .wait
        case .yield: return .yield
        case .ended: ended = true
        }
      }
      isFresh = false
      let step = active.value.exchange.readRequestHead(
        in: &client.side.input, ended: ended, policy: client.snapshot.policy, at: context.now)
      switch step {
      case .incomplete: continue
      case .head, .body: return begin(&context)
      case .closed: return active.value.react(to: .clientEnded, &client, &context)
      case .truncated: return active.value.clientLeft(&client, &context)
      case .refused(let rejection):
        noteRequestLine(&context)
        noteRefusal(rejection, &context)
        return active.value.react(to: .refused(rejection), &client, &context)
      }
    }
    return .yield
  }

  private func noteRefusal(_ rejection: Rejection, _ context: inout LoopContext) {
    context.reports.counters.refused.requests += 1
    context.reports.log.debug(
      "request of \(client.identity.endpoint) refused: \(rejection.reason)", metadata: client.subject)
  }

  private mutating func beginExchange(_ context: inout LoopContext) {
    let (isFirst, isPrivate, kind, retries, since, kept) =
      (isFirst, client.isPrivate, client.service.exchangeKind, client.snapshot.policy.retries, since, client.kept)
    context.leases.exchanges.lease(
      &active,
      ActiveExchange(
        exchange: Exchange(isFirst: isFirst, isPrivate: isPrivate, kind: kind, retries: retries, at: since),
        connection: kept))
    client.kept = nil
  }

  /// The exchange is over.
  mutating func endExchange(_ context: inout LoopContext) {
    client.isPrivate = active.value.exchange.isPrivate
    client.kept = active.value.connection
    context.leases.exchanges.giveBack(&active)
    if client.origin != nil { client.forgetOrigin(context) }
    since = context.now
  }

  /// No request has been begun yet: waiting for the first counts as http-request, not as keep-alive.
  var isFirst: Bool { requests == 0 }

  /// Nothing to read for now: an idle connection holds no buffer.
  private mutating func parkIdle(_ context: inout LoopContext) -> ActiveExchange.Step {
    if client.side.input.isEmpty { context.buffers.giveBack(&client.side.input) }
    return .wait
  }

  /// Opaque bytes from the first on.
  private mutating func tunnel(_ context: inout LoopContext) -> ActiveExchange.Step {
    beginExchange(&context)
    return active.value.accepted(isLast: true, &client, &context)
  }

  private mutating func begin(_ context: inout LoopContext) -> ActiveExchange.Step {
    requests += 1
    context.reports.counters.requests += 1
    noteRequestLine(&context)
    if client.service == .redirect, client.entrance.several != nil { chooseService() }
    // A reload may have brought names, or taken some.
    _ = client.adopt(context.snapshot)
    if client.forwarding.isPeerTrusted || client.earlier != nil, !identify(&context) {
      return deny(.tooManyOfClient, &context)
    }
    guard client.service == .redirect || isForService() else { return deny(.hostNotServed, &context) }
    let isLast =
      context.isStopping || requests >= client.snapshot.policy.requestsPerConnection ?? .max
      // Its service is no more.
      || !context.isNewest(client.snapshot)
    return active.value.accepted(isLast: isLast, &client, &context)
  }

  /// The redirect is that of the service whose name the request's Host is.
  @inline(never)
  private mutating func chooseService() {
    guard let several = client.entrance.several else { return }
    let host = active.value.exchange.request?.host ?? .absent
    client.enter(several.service(for: host.slice(of: client.side.input.bytes)))
  }

  @inline(never)
  private mutating func deny(_ rejection: Rejection, _ context: inout LoopContext) -> ActiveExchange.Step {
    noteRefusal(rejection, &context)
    return active.value.react(to: .denied(rejection), &client, &context)
  }

  /// Whether the request's Host is a name of ours. Who comes through a trusted proxy has asked for that one's names.
  private func isForService() -> Bool {
    guard client.certificateSet < client.snapshot.hosts.count, !client.forwarding.isPeerTrusted else { return true }
    let host = active.value.exchange.request?.host ?? .absent
    return client.snapshot.hosts[client.certificateSet].contains(host.slice(of: client.side.input.bytes))
  }

  /// Keeps the first line for the access log, as much as fits a line there.
  private mutating func noteRequestLine(_ context: inout LoopContext) {
    guard context.reports.accessLog.isOpen else { return }
    context.reports.accessLog.write(firstLineOf: client.side.input, to: &active.value.requestLine)
  }
}
