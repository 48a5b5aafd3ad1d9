import Domain
import HTTP1
import Wire

/// Which of the two directions has bytes that its receiver does not take.
public struct Backlog: OptionSet, Sendable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The client does not take its answer.
  public static let toClient = Backlog(rawValue: 1)
  /// The server does not take its request.
  public static let toServer = Backlog(rawValue: 2)
}

/// Whether an exchange has waited too long, and for what.
public enum Expiry: Hashable, Sendable {
  /// Not before this.
  case later(Instant)
  /// The client asked for nothing: close its connection.
  case idle
  /// A request head was begun and not finished.
  case requestHead
  /// No place at a server became free.
  case queue
  case connect
  /// The server has not answered for as long as a healthy one rarely needs: its health is worth a look.
  case silence
  /// The client neither sends nor takes bytes.
  case client
  /// The server neither sends nor takes bytes.
  case server
  /// Nothing moves in a tunnel or a two-way stream.
  case tunnel
  /// The pause before another try to connect is over.
  case pause
  /// The client does not take a page of our own.
  case reply
  /// Nothing is left that could expire.
  case never
}

extension Exchange {
  /// The earliest instant at which something could expire: cheap, and what a timer is armed for. `Event.timer` then tells.
  /// Mutating only so that the caller does not copy the exchange for the call.
  public mutating func earliestExpiry(_ timeouts: borrowing Timeouts) -> Instant {
    guard case .relaying(let attempt) = state else { return due(timeouts, backlog: []).0 }
    if isTwoWay(attempt) { return lastActivity + timeouts.tunnel }
    return lastActivity
      + (isSuspicious ? min(timeouts.shortestSilence, Exchange.suspiciousSilence) : timeouts.shortestSilence)
  }

  /// What has expired at `now`.
  public func expiry(_ timeouts: borrowing Timeouts, backlog: Backlog, at now: Instant) -> Expiry {
    let (deadline, kind) = due(timeouts, backlog: backlog)
    return now < deadline ? .later(deadline) : kind
  }

  /// Time has passed.
  mutating func timer(
    _ backlog: Backlog, _ timeouts: borrowing Timeouts, at now: Instant
  ) -> Effects {
    switch expiry(timeouts, backlog: backlog, at: now) {
    case .later, .never: .none
    case .idle: conclude(Termination(), Effects(.sayGoodbye, .close))
    case .requestHead: reply(.requestTimeout, Termination(.clientTimeout, .request), at: now)
    case .queue: refuse(Termination(.serverTimeout, .queue), at: now)
    case .pause: Effects(.connect)
    case .silence: suspect()
    case .connect: fail(isPaused ? .shortage : .connectTimeout, timeouts, at: now)
    case .client:
      hasAnswerHead
        ? abort(Termination(.clientTimeout, phase))
        : reply(.requestTimeout, Termination(.clientTimeout, phase), at: now)
    case .server: fail(.timeout, timeouts, at: now)
    case .tunnel: abort(Termination(.clientTimeout, .data))
    case .reply: conclude(Termination(.clientTimeout, .data), Effects(.close))
    }
  }

  /// For how long a server may let a connection or an answer wait before its health is looked at.
  static let suspiciousSilence = Interval.seconds(1)

  /// Silence of the server would say something that nobody has been told yet.
  private var isSuspicious: Bool { !search.isSuspected && isUnanswered }

  /// A server that is merely busy accepts connections at once, and answers when it can.
  private mutating func suspect() -> Effects {
    search.isSuspected = true
    return if case .connecting = state { Effects(.hastenChecks) } else { Effects(.checkServer) }
  }

  private var isPaused: Bool {
    if case .paused = state { true } else { false }
  }

  /// Either side may be silent for long, because each speaks when it has something to say.
  private func isTwoWay(_ attempt: Attempt) -> Bool {
    attempt.mode == .tunnel || attempt.mode == .stream && inbound.side != .complete
  }

  /// How long the attempt under way may take: `connect`, or what earlier ones have left of `connect-total`.
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

  /// Every state but the last has a deadline.
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
        (lastActivity + timeouts.tunnel, .tunnel)
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
