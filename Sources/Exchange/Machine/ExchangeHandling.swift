import Balancing
import Domain
import HTTP1
import Wire

extension Exchange {
  /// Processes an event and returns the effects to perform. An event that does not fit the current state is ignored.
  ///
  /// The four events of every request also have functions of their own that need no policy: `accepted`, `placed`,
  /// `connected` and `relayed`. Passed to this function, each would copy the policy and be dispatched in a switch.
  public mutating func handle(_ event: Event, policy: borrowing ExchangePolicy, at now: Instant) -> Effects {
    switch event {
    case .accepted(let isLast): accepted(isLast: isLast, at: now)
    case .denied(let rejection, let isLast): denied(rejection, isLast: isLast, at: now)
    case .maintenance: maintenance(at: now)
    case .clientLeft(let isFlood): clientLeft(isFlood: isFlood)
    case .noServer: noServer(at: now)
    case .placed(let isOther): placed(isOther: isOther)
    case .queued(let isOther): queued(isOther: isOther, at: now)
    case .queueFull(let isOther): queueFull(isOther: isOther, at: now)
    case .displaced: displaced()
    case .connecting: connecting(at: now)
    case .connected(let isReused): connected(isReused: isReused, at: now)
    case .connectFailed(let isShortage): fail(isShortage ? .shortage : .connect, policy.timeouts, at: now)
    case .requestHeadTooLarge: requestHeadTooLarge(at: now)
    case .responseHeadTooLarge: responseHeadTooLarge(at: now)
    case .relayed(let isSent, let isTaken, let isStopping):
      relayed(isSent: isSent, isTaken: isTaken, isStopping: isStopping)
    case .serverDown(let presence, let keeps, let isLast):
      serverDown(presence, keeps: keeps, isLast: isLast, policy.timeouts, at: now)
    case .replied: replied()
    case .redirectTooLarge: redirectTooLarge(at: now)
    case .pageTooLarge: pageTooLarge()
    case .timer(let backlog): timer(backlog, policy.timeouts, at: now)
    case .stop: stop()
    case .abandoned(let isStopping): abandon(isStopping: isStopping)
    }
  }

  // MARK: - The client

  /// See `Event.accepted`.
  public mutating func accepted(isLast: Bool, at now: Instant) -> Effects {
    guard case .reading = state, record.headRead != nil else { return .none }
    if isLast { clientUse = .closes }
    state = .placing
    return kind == .redirected ? redirect(at: now) : Effects(.place)
  }

  mutating func denied(_ rejection: Rejection, isLast: Bool, at now: Instant) -> Effects {
    guard case .reading = state, record.headRead != nil else { return .none }
    let termination = Termination(.proxy, .request)
    guard kind != .opaque else { return conclude(termination, Effects(.close)) }
    let use = isLast || !mayFollow ? ClientUse.closes : clientUse
    var effects = reply(rejection.status, termination, at: now)
    clientUse = use
    // The server's connection may be authenticated for this client (NTLM).
    if !closesClient { effects.remove(.dropConnection) }
    return effects
  }

  /// Whether another request may follow one that no server gets: all of it was read, and what comes after it is one.
  private var mayFollow: Bool {
    guard let request, request.version == .http11, !request.upgradeRequested else { return false }
    return kind == .relayed && outbound.side == .complete
  }

  mutating func maintenance(at now: Instant) -> Effects {
    guard case .reading = state, record.headRead != nil else { return .none }
    return refuse(.maintenance, at: now)
  }

  /// Whether the page that is being sent is that of maintenance.
  public var isReplyingForMaintenance: Bool {
    guard case .replying(let termination) = state else { return false }
    return kind == .relayed && termination == .maintenance
  }

  /// The client's bytes are not a valid request.
  mutating func refused(_ rejection: Rejection, at now: Instant) -> Effects {
    switch state {
    case .reading: break
    case .relaying(let attempt) where attempt.mode != .tunnel: break
    default: return .none
    }
    let termination = Termination(.proxy, request == nil ? .request : hasResponseHead ? .data : .headers)
    return hasResponseHead ? abort(termination) : reply(rejection.status, termination, at: now)
  }

  /// The client closed its direction between two requests.
  mutating func clientEnded() -> Effects {
    guard case .reading = state else { return .none }
    return conclude(Termination(), Effects(.linger))
  }

  mutating func clientLeft(isFlood: Bool) -> Effects {
    switch state {
    case .done: .none
    case .reading: conclude(Termination(isFlood ? .proxy : .client, .request), Effects(.close))
    case .replying: conclude(Termination(isFlood ? .proxy : .client, .data), Effects(.close))
    default: abort(Termination(isFlood ? .proxy : .client, phase))
    }
  }

  /// The worker stops: closes the connection of a client that has not begun a request.
  mutating func stop() -> Effects {
    clientUse = .closes
    guard case .reading = state, record.began == nil else { return .none }
    return conclude(Termination(), Effects(.sendEnd, .close))
  }

  mutating func abandon(isStopping: Bool) -> Effects {
    switch state {
    case .done: .none
    case .replying(let termination) where termination != Termination(): conclude(termination, .none)
    default: conclude(Termination(isStopping ? .killed : .client, phase), .none)
    }
  }

  // MARK: - Choosing a server and connecting

  mutating func noServer(at now: Instant) -> Effects {
    guard case .placing = state else { return .none }
    return refuse(Termination(.server, .connect), at: now)
  }

  mutating func queueFull(isOther: Bool, at now: Instant) -> Effects {
    guard case .placing = state else { return .none }
    if isOther { record.wentElsewhere() }
    return refuse(Termination(.proxy, .queue), at: now)
  }

  mutating func queued(isOther: Bool, at now: Instant) -> Effects {
    guard case .placing = state else { return .none }
    if isOther { record.wentElsewhere() }
    lastActivity = now
    state = .queued(since: now)
    return .none
  }

  /// See `Event.placed`.
  public mutating func placed(isOther: Bool) -> Effects {
    switch state {
    case .placing: if isOther { record.wentElsewhere() }
    case .queued: state = .placing
    default: return .none
    }
    return Effects(.connect)
  }

  mutating func displaced() -> Effects {
    guard case .queued = state else { return .none }
    state = .placing
    return Effects(.place)
  }

  mutating func connecting(at now: Instant) -> Effects {
    switch state {
    case .placing, .paused: beginConnecting(at: now)
    default: break
    }
    return .none
  }

  /// Begins connecting to a server, or taking a connection from the pool.
  private mutating func beginConnecting(at now: Instant) {
    noteConnecting(until: now)
    state = .connecting(since: now)
    lastActivity = now
    record.admitted(at: now)
  }

  /// See `Event.connected`. The request is sent on the connection. A reused connection took no time to establish.
  public mutating func connected(isReused: Bool, at now: Instant) -> Effects {
    switch state {
    case .placing: record.admitted(at: now)
    case .connecting: noteConnecting(until: now)
    case .paused: beginConnecting(at: now)
    default: return .none
    }
    state = .relaying(Attempt(isReused: isReused, isOpaque: kind == .opaque))
    record.connected(at: now)
    lastActivity = now
    guard kind == .opaque else { return Effects(.sendHead) }
    inbound.side = .tunnel
    return .none
  }

  /// Adds the time since this attempt began to connect to the total of all attempts. The wait for a slot at a server is
  /// not included: it has its own limit.
  mutating func noteConnecting(until now: Instant) {
    switch state {
    case .connecting(let since):
      search.connecting.nanoseconds &+= (now - since).nanoseconds
      state = .connecting(since: now)
    case .paused(let until, let since):
      search.connecting.nanoseconds &+= (now - since).nanoseconds
      state = .paused(until: until, since: now)
    default: break
    }
  }

  // MARK: - Server failures

  mutating func serverDown(
    _ presence: ServerPresence, keeps: Bool, isLast: Bool, _ timeouts: borrowing Timeouts, at now: Instant
  ) -> Effects {
    switch state {
    case .connecting: fail(.down, timeouts, at: now)
    case .relaying(let attempt) where !keeps && ends(attempt, presence, isLast: isLast): fail(.down, timeouts, at: now)
    // A connection kept for this client can not be used any more. The request may wait for another server.
    case .reading, .queued, .replying: Effects(.dropConnection)
    default: .none
    }
  }

  /// Whether the attempt ends. A silent server may still respond: a request stays unless another server can take it.
  private func ends(_ attempt: Attempt, _ presence: ServerPresence, isLast: Bool) -> Bool {
    switch presence {
    case .present: false
    case .silent: !isLast && mayGoElsewhere(attempt)
    case .lost: true
    }
  }

  /// The response is incomplete or invalid. If nothing of it has been sent, an error page replaces it.
  mutating func responseFailed(_ failure: ServerFailure, _ timeouts: borrowing Timeouts, at now: Instant) -> Effects {
    guard !isTunnel, inbound.side == .head || inbound.sentBefore == record.bytesToClient else {
      return fail(failure, timeouts, at: now)
    }
    var effects = replaceResponse(failure.cause, at: now)
    effects.insert(.suspectServer)
    return effects
  }

  private mutating func replaceResponse(_ cause: Termination.Cause, at now: Instant) -> Effects {
    var effects = reply(.badGateway, Termination(cause, .headers), at: now)
    effects.insert(.discardOutput)
    return effects
  }

  mutating func fail(
    _ failure: ServerFailure, _ timeouts: borrowing Timeouts, at now: Instant
  ) -> Effects {
    switch state {
    case .connecting, .paused: guard failure.isOfConnecting else { return .none }
    case .relaying: guard failure.isOfResponding else { return .none }
    default: return .none
    }
    let recovery = recover(from: failure, timeouts: timeouts, at: now)
    let termination = Termination(failure.cause, phase)
    var effects: Effects
    switch recovery {
    case .reconnect:
      leaveAttempt(for: .placing)
      effects = Effects(.dropConnection, .connectAnew)
    case .pause:
      state = .paused(until: now + Exchange.shortagePause, since: now)
      effects = Effects(.dropConnection)
    case .redispatch:
      leaveAttempt(for: .placing)
      effects = Effects(.dropConnection, .releaseSlot, .place)
      effects.insert(.excludeServer)
    case .reply(let status):
      effects = kind == .opaque ? abort(termination, resetsServer: false) : reply(status, termination, at: now)
    case .abort:
      let approved = responseCursor.pending
      effects = abort(termination, resetsServer: false)
      effects.pass(approved)
    }
    if failure.isNews, failure != .gone || recovery != .reconnect { effects.insert(.suspectServer) }
    return effects
  }

  /// The only end of an attempt after which the exchange goes on.
  private mutating func leaveAttempt(for next: State) {
    state = next
    inbound = Direction()
    outbound.cursor.rewind()
    search.isSuspected = false
  }

  // MARK: - Responses of our own

  /// Responds with an error page, after which the client's connection closes; see `denied` for the exception.
  mutating func reply(_ status: Status, _ termination: Termination, at now: Instant) -> Effects {
    switch state {
    case .replying, .done: return .none
    default: break
    }
    leaveAttempt(for: .replying(termination))
    clientUse = .closes
    // The wait may have taken longer than the client's timeout for the page: it starts now.
    lastActivity = now
    record.replied(status.rawValue, at: now)
    var effects = Effects(.dropConnection, .releaseSlot)
    effects.reply(status)
    return effects
  }

  mutating func requestHeadTooLarge(at now: Instant) -> Effects {
    guard case .relaying(let attempt) = state, kind == .relayed else { return .none }
    guard !attempt.hasBegun, !attempt.marks.contains(.requestSent) else { return .none }
    return reply(.headerFieldsTooLarge, Termination(), at: now)
  }

  mutating func responseHeadTooLarge(at now: Instant) -> Effects {
    guard case .relaying(let attempt) = state, kind == .relayed, attempt.hasBegun else { return .none }
    return replaceResponse(.proxy, at: now)
  }

  /// No slot at a server: sends an error page if the client speaks HTTP.
  mutating func refuse(_ termination: Termination, at now: Instant) -> Effects {
    kind == .opaque ? conclude(termination, Effects(.close)) : reply(.serviceUnavailable, termination, at: now)
  }

  private mutating func redirect(at now: Instant) -> Effects {
    state = .replying(Termination(.local, .request))
    clientUse = .closes
    record.replied(request?.method == .get || request?.method == .head ? 301 : 308, at: now)
    return Effects(.redirect)
  }

  mutating func redirectTooLarge(at now: Instant) -> Effects {
    guard case .replying = state, kind == .redirected else { return .none }
    record.replied(Status.uriTooLong.rawValue, at: now)
    var effects = Effects.none
    effects.reply(.uriTooLong)
    return effects
  }

  mutating func replied() -> Effects {
    guard case .replying(let termination) = state else { return .none }
    return conclude(termination, closesClient ? Effects(.linger) : Effects(.awaitNext, .keepConnection))
  }

  mutating func pageTooLarge() -> Effects {
    guard case .replying(let termination) = state else { return .none }
    var effects = Effects(.close)
    if kind != .relayed { effects.insert(.resetClient) }
    return conclude(termination, effects)
  }

  // MARK: - The end

  /// See `Event.relayed`.
  @inline(__always)
  public mutating func relayed(isSent: Bool, isTaken: Bool, isStopping: Bool) -> Effects {
    isSent && isResponseDelivered && isOver ? finish(isTaken: isTaken, isStopping: isStopping) : .none
  }

  private mutating func finish(isTaken: Bool, isStopping: Bool) -> Effects {
    guard case .relaying = state else { return .none }
    var effects = Effects(clientMayContinue && !isStopping ? .awaitNext : .linger)
    if serverMayContinue && isTaken { effects.insert(.keepConnection) }
    return conclude(Termination(), effects)
  }

  /// Ends both connections so that an incomplete response can not be taken for a complete one: no close_notify, and RST
  /// where the end of the connection would be the end of the body or of a tunnel's direction.
  mutating func abort(_ termination: Termination, resetsServer: Bool = true) -> Effects {
    var effects = Effects(.close)
    var endsWithConnection = kind != .relayed
    var isTunnel = kind == .opaque
    if case .relaying(let attempt) = state {
      if attempt.response == .head(untilClose: true) { endsWithConnection = true }
      if attempt.mode == .tunnel { isTunnel = true }
    }
    if endsWithConnection { effects.insert(.resetClient) }
    if isTunnel, resetsServer { effects.insert(.resetServer) }
    return conclude(termination, effects)
  }

  /// The only transition to `State.done`, and the only place where the termination is recorded.
  mutating func conclude(_ termination: Termination, _ effects: Effects) -> Effects {
    state = .done(termination)
    record.ended(termination)
    var effects = effects
    if record.began != nil { effects.insert(.log) }
    if !effects.contains(.keepConnection) { effects.insert(.dropConnection) }
    effects.insert(.releaseSlot)
    return effects
  }
}
