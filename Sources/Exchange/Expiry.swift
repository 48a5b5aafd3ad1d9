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
  /// The client neither sends nor takes bytes.
  case client
  /// The server neither sends nor takes bytes.
  case server
  /// Nothing moves in a tunnel or a two-way stream.
  case tunnel
}

extension Exchange {
  /// The earliest instant at which something could expire: cheap, and what a timer is armed for. `expiry` then tells.
  /// Mutating only so that the caller does not copy the exchange for the call.
  public mutating func earliestExpiry(_ timeouts: borrowing ExchangePolicy.Timeouts) -> Instant {
    switch requestSide {
    case .head: headDeadline(timeouts)
    case .body, .complete, .tunnel:
      switch attempt.stage {
      case .none, .queued: lastActivity + min(timeouts.queue, timeouts.connect)
      case .connecting(let since): since + connectBound(timeouts)
      case .connected: lastActivity + (isTwoWay ? timeouts.tunnel : timeouts.shortestSilence)
      }
    }
  }

  /// What has expired at `now`.
  public func expiry(_ timeouts: borrowing ExchangePolicy.Timeouts, backlog: Backlog, at now: Instant) -> Expiry {
    let (deadline, kind) = due(timeouts, backlog: backlog)
    return now < deadline ? .later(deadline) : kind
  }

  /// Either side may be silent for long, because each speaks when it has something to say.
  private var isTwoWay: Bool { isTunnel || isStream && responseSide != .complete }

  /// How long the attempt under way may take: `connect`, or what earlier ones have left of `connect-total`.
  private func connectBound(_ timeouts: borrowing ExchangePolicy.Timeouts) -> Interval {
    guard searched < timeouts.connectTotal else { return .zero }
    return min(timeouts.connect, Interval(nanoseconds: timeouts.connectTotal.nanoseconds - searched.nanoseconds))
  }

  private func headDeadline(_ timeouts: borrowing ExchangePolicy.Timeouts) -> Instant {
    guard let began = record.began else { return opened + timeouts.idle(isFirst: isFirst) }
    return (isFirst ? opened : began) + timeouts.httpRequest
  }

  private func due(_ timeouts: borrowing ExchangePolicy.Timeouts, backlog: Backlog) -> (Instant, Expiry) {
    if requestSide == .head { return (headDeadline(timeouts), record.began == nil ? .idle : .requestHead) }
    switch attempt.stage {
    case .none: return ((record.headRead ?? opened) + timeouts.queue, .queue)
    case .queued(let since): return (since + timeouts.queue, .queue)
    case .connecting(let since): return (since + connectBound(timeouts), .connect)
    case .connected: break
    }
    if isTwoWay { return (lastActivity + timeouts.tunnel, .tunnel) }
    if backlog.contains(.toClient) { return (lastActivity + timeouts.client, .client) }
    if backlog.contains(.toServer) { return (lastActivity + timeouts.server, .server) }
    if requestSide == .body { return (lastActivity + timeouts.client, .client) }
    return (lastActivity + timeouts.server, .server)
  }
}
