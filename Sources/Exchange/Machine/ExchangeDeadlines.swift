import Domain
import HTTP1
import Wire

/// The directions with pending bytes that the receiver does not accept.
public struct Backlog: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The client does not accept its response.
  public static let toClient = Backlog(rawValue: 1)
  /// The server does not accept the request.
  public static let toServer = Backlog(rawValue: 2)
}

/// Which timeout of an exchange has expired, if any.
public enum Expiry: Hashable, Sendable {
  /// None before this instant.
  case later(Instant)
  /// The client sent no request: close its connection.
  case idle
  /// A request head was begun and not completed.
  case requestHead
  /// No slot at a server became free.
  case queue
  case connect
  /// The server has not responded for longer than a healthy one usually needs: check its health.
  case silence
  /// The client neither sends nor accepts bytes.
  case client
  /// The server neither sends nor accepts bytes.
  case server
  /// No bytes are transferred in a tunnel, a two-way stream, or an opaque connection.
  case tunnel
  /// The pause before the next connection attempt is over.
  case pause
  /// The client does not accept an error page.
  case reply
  /// No timeout is running.
  case never
}

extension Exchange {
  /// A lower bound of the instant at which a timeout can expire. It is cheap, and timers are set to it; `Event.timer`
  /// then determines what has expired. Mutating only so that the caller does not copy the exchange for the call.
  public mutating func earliestExpiry(_ timeouts: borrowing Timeouts) -> Instant {
    guard case .relaying(let attempt) = state else { return due(timeouts, backlog: []).0 }
    if isTwoWay(attempt) { return lastActivity + twoWaySilence(timeouts) }
    return lastActivity
      + (isSuspicious ? min(timeouts.shortestSilence, Exchange.suspiciousSilence) : timeouts.shortestSilence)
  }

  /// What has expired at `now`.
  public func expiry(_ timeouts: borrowing Timeouts, backlog: Backlog, at now: Instant) -> Expiry {
    let (deadline, kind) = due(timeouts, backlog: backlog)
    return now < deadline ? .later(deadline) : kind
  }

  /// The time limit that has expired at `now`; nil if none has that ends an attempt or the exchange.
  public func expiredKey(_ timeouts: borrowing Timeouts, backlog: Backlog, at now: Instant) -> TimeoutKey? {
    switch expiry(timeouts, backlog: backlog, at: now) {
    case .later, .never, .silence, .pause: nil
    case .idle: isFirst ? .httpRequest : .keepAlive
    case .requestHead: .httpRequest
    case .queue: .queue
    case .connect: connectBound(timeouts) < timeouts.connect ? .connectTotal : .connect
    case .client, .reply: .client
    case .server: .server
    case .tunnel: twoWaySilence(timeouts) < timeouts.tunnel ? .client : .tunnel
    }
  }

  /// Handles what has expired at `now`.
  mutating func timer(
    _ backlog: Backlog, _ timeouts: borrowing Timeouts, at now: Instant
  ) -> Effects {
    switch expiry(timeouts, backlog: backlog, at: now) {
    case .later, .never: .none
    case .idle: conclude(Termination(), Effects(.sendEnd, .close))
    case .requestHead: reply(.requestTimeout, Termination(.clientTimeout, .request), at: now)
    case .queue: refuse(Termination(.serverTimeout, .queue), at: now)
    case .pause: Effects(.connect)
    case .silence: suspect()
    case .connect: fail(isPaused ? .shortage : .connectTimeout, timeouts, at: now)
    case .client:
      hasResponseHead
        ? abort(Termination(.clientTimeout, phase))
        : reply(.requestTimeout, Termination(.clientTimeout, phase), at: now)
    case .server: fail(.timeout, timeouts, at: now)
    case .tunnel: abort(Termination(.clientTimeout, .data))
    case .reply: conclude(Termination(.clientTimeout, .data), Effects(.close))
    }
  }

  /// The time for a connection or a response after which the server's health is checked.
  static let suspiciousSilence = Interval.seconds(1)

  /// Whether the server has been silent during a request, and no health check was requested for that.
  private var isSuspicious: Bool { !search.isSuspected && awaitsResponse }

  /// Requests a health check. A busy server still accepts connections at once, and responds when it can.
  private mutating func suspect() -> Effects {
    search.isSuspected = true
    return if case .connecting = state { Effects(.hastenChecks) } else { Effects(.checkServer) }
  }

  private var isPaused: Bool {
    if case .paused = state { true } else { false }
  }

  /// Whether either side may be silent for long, because each sends only when it has data.
  private func isTwoWay(_ attempt: Attempt) -> Bool {
    attempt.mode == .tunnel || attempt.mode == .stream && inbound.side != .complete
  }

  /// How long neither side need send anything. A connection on which nothing was sent yet is no tunnel so far, but takes
  /// a slot at a server.
  private func twoWaySilence(_ timeouts: borrowing Timeouts) -> Interval {
    kind == .opaque && record.bytesFromClient == 0 && record.bytesToClient == 0
      ? min(timeouts.client, timeouts.tunnel) : timeouts.tunnel
  }

  /// The time limit of the current attempt: `connect`, or what earlier attempts have left of `connect-total`.
  private func connectBound(_ timeouts: borrowing Timeouts) -> Interval {
    guard search.connecting < timeouts.connectTotal else { return .zero }
    return min(
      timeouts.connect, Interval(nanoseconds: timeouts.connectTotal.nanoseconds - search.connecting.nanoseconds))
  }

  private func connectDue(_ since: Instant, bound: Interval) -> (Instant, Expiry) {
    search.isSuspected || bound <= Exchange.suspiciousSilence
      ? (since + bound, .connect) : (since + Exchange.suspiciousSilence, .silence)
  }

  private func headDeadline(_ timeouts: borrowing Timeouts) -> Instant {
    guard let began = record.began else { return opened + timeouts.idle(isFirst: isFirst) }
    return (isFirst ? opened : began) + timeouts.httpRequest
  }

  /// The next deadline; every state but the last has one.
  private func due(_ timeouts: borrowing Timeouts, backlog: Backlog) -> (Instant, Expiry) {
    switch state {
    case .reading: (headDeadline(timeouts), record.began == nil ? .idle : .requestHead)
    case .placing: ((record.headRead ?? opened) + timeouts.queue, .queue)
    case .queued(let since): (since + timeouts.queue, .queue)
    case .connecting(let since):
      connectDue(since, bound: connectBound(timeouts))
    case .paused(let until, let since):
      until <= since + connectBound(timeouts) ? (until, .pause) : (since + connectBound(timeouts), .connect)
    case .relaying(let attempt):
      if isTwoWay(attempt) {
        (lastActivity + twoWaySilence(timeouts), .tunnel)
      } else if backlog.contains(.toClient) {
        (lastActivity + timeouts.client, .client)
      } else if backlog.contains(.toServer) {
        (lastActivity + timeouts.server, .server)
      } else if outbound.side == .body {
        (lastActivity + timeouts.client, .client)
      } else if isSuspicious, timeouts.server > Exchange.suspiciousSilence {
        (lastActivity + Exchange.suspiciousSilence, .silence)
      } else {
        (lastActivity + timeouts.server, .server)
      }
    case .replying: (lastActivity + timeouts.client, .reply)
    case .done: (.distantFuture, .never)
    }
  }
}
