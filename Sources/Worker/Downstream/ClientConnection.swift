import Balancing
import Configuration
import Domain
import Exchange
import HTTP1
import Linux
import Logging
import TLS
import Wire

/// A client's connection with its requests.
///
/// `advance` continues as far as possible without blocking. Between two calls the connection waits for an event on its
/// socket or a server's, for a slot at a server, or for its timer, which is set to the first of its own deadlines and
/// those of its requests.
struct ClientConnection: ~Copyable {
  enum Phase: Equatable {
    /// Waiting for the PROXY protocol header.
    case awaitingHeader
    case handshaking
    /// Processing requests.
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
  var requests = SequentialRequests()
  /// When it was accepted, began the handshake, became ready for a request, or began to linger.
  var since: Instant
  /// The instant for which the timer is armed.
  var armed = Instant.distantFuture
  /// It has yielded and continues after this turn's events, or it waits for its turn to continue the handshake.
  var isInLine = false

  init(_ client: consuming Client, at now: Instant) {
    let beginsWithHeader = client.forwarding.isPeerTrusted && client.snapshot.settings.forwarded.proxyProtocol
    phase = beginsWithHeader ? .awaitingHeader : client.entrance.hasTLS ? .handshaking : .open
    self.client = client
    since = now
  }

  /// Continues as far as possible without blocking.
  mutating func advance(_ context: inout LoopContext) -> Disposition { advance(after: .again, &context) }

  /// Handles the result of an exchange's step, then continues as far as possible without blocking.
  private mutating func advance(after first: ActiveExchange.Step, _ context: inout LoopContext) -> Disposition {
    var step = first
    var ended = 0
    while true {
      switch step {
      case .again, .read: break
      case .next:
        endRequest(&context)
        // Requests that rules refuse may follow each other without waiting for a server.
        ended &+= 1
        guard ended < ClientConnection.roundsPerTurn else {
          // With bytes of the next one it is no idle connection, which might be closed.
          if !client.side.input.isEmpty {
            beginRequest(&context)
            requests.current.value.exchange.hasBytes(in: client.side.input, at: context.now)
          }
          step = .yield
          continue
        }
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
    guard !requests.isEmpty else {
      return client.entrance.kind == .opaque ? tunnel(&context) : awaitRequest(&context)
    }
    let step = requests.current.value.advance(&client, &context)
    return step == .read ? awaitRequest(&context) : step
  }

  /// Passes an event that occurred between two calls of `advance` to the exchange; nil when it has no effect.
  mutating func handle(_ event: Exchange.Event, _ context: inout LoopContext) -> Disposition? {
    let effects = requests.current.value.effects(of: event, context)
    return effects.isEmpty ? nil : advance(after: requests.current.value.perform(effects, &client, &context), &context)
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
      if !hasLeft, client.snapshot.rules != nil, refusal(on: .handshake, &context) != nil { return .close }
      guard !hasLeft, beginTLS(&context) else {
        noteHandshakeFailure(
          hasLeft ? .closed : .local, hasLeft ? Self.hasLeftWords : "it could not begin: see the log", &context)
        return .close
      }
    } else if client.side.stream.hasEnded, client.side.stream.tls?.awaitsHello == true {
      noteHandshakeFailure(.closed, Self.hasLeftWords, &context)
      return .close
    }
    let progress = client.side.stream.tls?.handshake()
    if context.reports.traces.isActive { client.reportSecrets(&context) }
    switch progress {
    case .done:
      since = context.now
      context.reports.counters.handshakeCompleted(isResumed: client.side.stream.tls?.isResumed == true)
      if client.snapshot.hosts.count > 1 { client.certificateSet = client.side.stream.tls?.certificateSet ?? 0 }
      client.noteCertificate()
      phase = .open
      if context.reports.traces.isActive { client.reportHandshake(&context) }
      if context.isStopping { startLingering(&context) }
      return .again
    case .wantsRead, .wantsWrite:
      return .wait
    case .yield:
      return .yield
    case .failed(let failure):
      noteHandshakeFailure(failure.cause, failure.description, &context)
      if failure.blame == .verification {
        context.reports.failures.note(client: client.peer.endpoint, failure.description, at: context.now)
      } else if failure.cause == .noCertificate {
        context.reports.failures.note(
          withoutCertificate: client.peer.endpoint, failure.description, at: context.now)
      }
      context.reports.log.debug(
        "TLS handshake with \(client.peer.endpoint) failed: \(failure.description)",
        metadata: client.subject(client.peer))
      guard failure.cause == .plainHTTP, client.side.stream.answerPlainly(PlainRequestAnswer.bytes) else {
        return .close
      }
      startLingering(&context)
      return .again
    case nil:
      return .close
    }
  }

  private static let hasLeftWords = "the client closed the connection"

  /// Counts the failure.
  mutating func noteHandshakeFailure(
    _ cause: TLSFailure.Cause, _ reason: @autoclosure () -> String, _ context: inout LoopContext
  ) {
    context.reports.counters.handshakeFailed(cause)
    guard context.reports.traces.isActive else { return }
    client.reportHandshakeFailure(cause, reason(), &context)
    switch cause {
    case .closed, .timeout: break
    case .alert, .certificateAlert: client.cause = .handshake(isClients: true)
    default: client.cause = .handshake(isClients: false)
    }
  }

  private mutating func beginTLS(_ context: inout LoopContext) -> Bool {
    guard var front = client.snapshot.front else { return false }
    do throws(TLSError) {
      if context.reports.traces.isActive {
        client.followName(&context)
        front = client.tracedContext(front, &context)
      }
      try client.side.stream.answerTLS(context: front, through: context.bio)
      return true
    } catch {
      context.reports.log.error(
        "TLS for \(client.peer.endpoint) could not begin: \(error)", metadata: client.subject(client.peer))
      return false
    }
  }

  /// Whether its handshake has begun, or bytes to begin it may have been received.
  var hasSpoken: Bool { client.side.stream.tls != nil || client.side.stream.mayRead || client.side.stream.hasEnded }

  /// Whether it has not sent a byte since it connected, or no complete record, so that no resources were spent on it.
  var isSilent: Bool {
    if phase == .awaitingHeader { return true }
    return switch client.entrance.kind {
    case .relayed: phase == .handshaking && client.side.stream.tls == nil
    case .redirected: phase == .open && requests.begun == 0 && requests.isEmpty
    case .opaque:
      !requests.isEmpty && requests.current.value.exchange.record.bytesFromClient == 0
        && requests.current.value.exchange.record.bytesToClient == 0
    }
  }

  /// Whether it has completed a handshake or a request, and has not begun another one.
  var isIdle: Bool { phase == .open && requests.isEmpty && !isSilent }

  func isEvictable(as kind: EvictionClass) -> Bool {
    switch kind {
    case .silent: isSilent
    // Or it speaks no TLS, and was told so.
    case .unfinished: phase == .handshaking || phase == .lingering && requests.begun == 0 && client.entrance.hasTLS
    case .idle: isIdle
    }
  }

  /// Reads until a request head is complete, and routes it.
  mutating func awaitRequest(_ context: inout LoopContext) -> ActiveExchange.Step {
    var end: StreamEnd?
    var isFresh = !client.side.input.isEmpty
    if isFresh, requests.isEmpty { beginRequest(&context) }
    // A head may arrive in records of one byte.
    for _ in 0..<ClientConnection.roundsPerTurn {
      if !isFresh {
        guard client.side.stream.mayRead else { return parkIdle(&context) }
        let incoming = client.side.receive(&context.buffers)
        if requests.isEmpty, incoming != .wouldBlock, incoming != .yield { beginRequest(&context) }
        switch incoming {
        case .bytes(let count): requests.current.value.exchange.received(count)
        case .wouldBlock: return .wait
        case .yield: return .yield
        case .ended(let how): end = how
        }
      }
      isFresh = false
      // A reload may have added or removed names, limits, or fields that are edited, which no trailer may bring either.
      requests.current.value.adoptNewest(&client, &context)
      let (step, effects) = requests.current.value.exchange.readRequestHead(
        in: &client.side.input, end: end, policy: client.snapshot.policy, at: context.now)
      switch step {
      case .incomplete: continue
      case .head, .body: return begin(&context)
      case .closed, .truncated: break
      case .refused(let rejection):
        noteRequestLine(&context)
        noteRefusal(rejection, &context)
      }
      return requests.current.value.perform(effects, &client, &context)
    }
    return .yield
  }

  private mutating func noteRefusal(_ rejection: Rejection, _ context: inout LoopContext) {
    // What `access` refuses is counted there.
    if rejection != .clientNotAllowed, rejection != .pathAmbiguous { context.reports.counters.refused.requests += 1 }
    if context.reports.traces.isActive { client.cause = .request(rejection) }
    requests.current.value.noteRefusal(of: "request", rejection, client, &context)
  }

  mutating func beginRequest(_ context: inout LoopContext) {
    if context.reports.traces.isActive { client.beginTracedRequest() }
    requests.begin(on: &client, since: since, &context)
  }

  mutating func endRequest(_ context: inout LoopContext) {
    requests.end(on: &client, &context)
    since = context.now
  }

  /// Releases the buffer of an idle connection.
  private mutating func parkIdle(_ context: inout LoopContext) -> ActiveExchange.Step {
    if client.side.input.isEmpty { context.buffers.giveBack(&client.side.input) }
    return .wait
  }

  /// Relays opaque bytes from the start.
  private mutating func tunnel(_ context: inout LoopContext) -> ActiveExchange.Step {
    beginRequest(&context)
    if client.snapshot.rules != nil, let refusal = refusal(on: .tunnel, &context) {
      requests.current.value.refusal = refusal
      return requests.current.value.react(to: .denied(.clientNotAllowed, isLast: true), &client, &context)
    }
    if client.snapshot.shared.isInMaintenance {
      if context.reports.traces.isActive { client.cause = .maintenance }
      return requests.current.value.react(to: .maintenance, &client, &context)
    }
    return requests.current.value.accepted(isLast: true, &client, &context)
  }

  private mutating func begin(_ context: inout LoopContext) -> ActiveExchange.Step {
    requests.begun += 1
    context.reports.counters.requests += 1
    noteRequestLine(&context)
    if client.entrance.kind == .redirected, client.entrance.several != nil { chooseByHost(&context) }
    if requests.current.value.exchange.request?.framing == .chunked {
      requests.current.value.edits = client.snapshot.edits.request
    }
    let hasRoom = !client.forwarding.isPeerTrusted && requests.earlier == nil || identify(&context)
    // Before any verdict, which is to be seen.
    if context.reports.traces.isActive { requests.current.value.follow(&client, &context) }
    guard hasRoom else {
      context.reports.counters.clientLimitReached()
      return deny(.tooManyOfClient, &context)
    }
    if client.snapshot.rules != nil, let rejection = findRefusal(&context) { return deny(rejection, &context) }
    guard client.entrance.kind == .redirected || isForService() else { return deny(.hostNotServed, &context) }
    if let failure = client.certificate.refusal {
      context.reports.failures.note(client: client.peer.endpoint, failure.description, at: context.now)
      return deny(.certificateOutdated, &context)
    }
    if client.snapshot.shared.isInMaintenance, client.entrance.kind == .relayed {
      if context.reports.traces.isActive { client.cause = .maintenance }
      return requests.current.value.react(to: .maintenance, &client, &context)
    }
    // Or its service was removed.
    let isLast = context.isStopping || !context.isNewest(client.snapshot)
    if isLast, context.reports.traces.isActive, !context.isStopping { client.cause = .serviceRemoved }
    return requests.current.value.accepted(isLast: isLast, &client, &context)
  }

  @inline(never)
  private mutating func deny(_ rejection: Rejection, _ context: inout LoopContext) -> ActiveExchange.Step {
    noteRefusal(rejection, &context)
    let isLast = context.isStopping || !context.isNewest(client.snapshot) || !mayGoOn(after: rejection)
    return requests.current.value.react(to: .denied(rejection, isLast: isLast), &client, &context)
  }

  /// Whether the request's Host is served here. Requests through a trusted proxy may have any, unless
  /// several services listen here.
  @inline(always)
  private func isForService() -> Bool {
    guard client.certificateSet < client.snapshot.hosts.count else { return true }
    if client.forwarding.isPeerTrusted, !client.entrance.isShared { return true }
    let host = requests.current.value.exchange.request?.host ?? .absent
    return client.snapshot.hosts[client.certificateSet].contains(host.slice(of: client.side.input.bytes))
  }

  /// Stores the first line for the access log, up to the length limit of a log line.
  private mutating func noteRequestLine(_ context: inout LoopContext) {
    guard context.reports.isRecording else { return }
    context.reports.accessLog.write(firstLineOf: client.side.input, to: &requests.current.value.requestLine)
  }
}
