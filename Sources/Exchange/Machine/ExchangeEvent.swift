import Balancing
import HTTP1

extension Exchange {
  /// What happens to an exchange, beside bytes.
  public enum Event: Equatable, Sendable {
    // The client.
    /// The request's head is complete, and it is for a name of ours. `isLast`: its connection ends with this exchange.
    case accepted(isLast: Bool)
    /// The head is complete, and the request is not for us to send on: its name is not ours, or its client has too many.
    case denied(Rejection)
    /// The client's bytes are no request that may be sent on.
    case refused(Rejection)
    /// The client ended its direction between two requests.
    case clientEnded
    /// The client is gone: its connection broke, or it ended where it owes or awaits something. `isFlood`: we broke it,
    /// for the messages of TLS's own that it sent.
    case clientLeft(isFlood: Bool)

    // The way to a server.
    /// No server can take it.
    case noServer
    /// There is a place at the server chosen. `isOther`: than the one chosen first.
    case placed(isOther: Bool)
    case queued(isOther: Bool)
    /// The server's queue is full.
    case queueFull(isOther: Bool)
    /// The server that it waits for takes nobody any more.
    case displaced
    /// A connection is being made.
    case connecting
    /// A connection is open; `isReused`: it has served before.
    case connected(isReused: Bool)

    // The server.
    case failed(ServerFailure)
    /// The answer failed. `isUnsent`: its head came with it, and nothing of the answer has gone out.
    case answerFailed(ServerFailure, isUnsent: Bool)
    /// The request's head, rewritten, fits into no buffer.
    case requestHeadTooLarge
    /// Nor does the answer's.
    case answerHeadTooLarge
    /// Both messages are complete and have gone out, or the answer has and nobody reads the rest of the request.
    /// `isTaken`: the server took all that was sent. `isStopping`: the worker accepts no further request.
    case delivered(isTaken: Bool, isStopping: Bool)
    /// The server accepts no clients any more. `keeps`: the configuration lets requests under way there go on;
    /// `isLast`: no other server accepts clients either.
    case serverDown(ServerPresence, keeps: Bool, isLast: Bool)

    // Our own answer.
    /// It has gone out.
    case replied
    /// The redirect's target is too long for one.
    case redirectTooLarge
    /// There is no room for the page.
    case pageTooLarge

    // Time, and the end.
    /// Time has passed: due at `earliestExpiry`, which may be too early.
    case timer(Backlog)
    /// The worker stops: the client's connection ends with this exchange.
    case stop
    /// The owner closes the client's connection whatever it is at.
    case abandoned(isStopping: Bool)
  }
}
