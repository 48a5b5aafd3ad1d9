import Balancing
import HTTP1

extension Exchange {
  /// An event in an exchange, other than bytes and the ends of streams, which are passed to the reading functions.
  public enum Event: Equatable, Sendable {
    // The client.
    /// The request's head is complete, and its host is served. `isLast`: the owner closes the connection after this
    /// exchange.
    case accepted(isLast: Bool)
    /// The head is complete, and the request is rejected: its host is not served, or its client exceeds a limit.
    /// `isLast`: the owner closes the connection after this exchange.
    case denied(Rejection, isLast: Bool)
    /// The request or the opaque connection has begun while its service is in maintenance.
    case maintenance
    /// The client's connection failed, or ended where the response is outstanding. `isFlood`: see `StreamEnd.flooded`.
    case clientLeft(isFlood: Bool)

    // Choosing a server and connecting.
    /// No server can accept the request.
    case noServer
    /// A slot at the chosen server was assigned. `isOther`: not the server chosen first.
    case placed(isOther: Bool)
    case queued(isOther: Bool)
    /// The server's queue is full.
    case queueFull(isOther: Bool)
    /// The server in whose queue the request waits no longer accepts clients.
    case displaced
    /// A connection attempt was started.
    case connecting
    /// A connection is established; `isReused`: it has carried a request before.
    case connected(isReused: Bool)
    /// The connection failed; `isShortage`: for lack of local resources.
    case connectFailed(isShortage: Bool)

    // The server.
    /// The rewritten request head does not fit into a buffer.
    case requestHeadTooLarge
    /// The rewritten response head does not fit into a buffer.
    case responseHeadTooLarge
    /// Bytes were relayed as far as possible. `isSent`: none wait in the client's output; `isTaken`: none wait in the
    /// server's. `isStopping`: the worker accepts no further requests.
    case relayed(isSent: Bool, isTaken: Bool, isStopping: Bool)
    /// The server accepts no more clients. `keeps`: the configuration lets current requests continue there; `isLast`:
    /// no other server accepts clients either.
    case serverDown(ServerPresence, keeps: Bool, isLast: Bool)

    // Responses of our own.
    /// The response has been sent.
    case replied
    /// The redirect's target is too long.
    case redirectTooLarge
    /// The error page does not fit into the output.
    case pageTooLarge

    // Time, and the end.
    /// The timer fired: set to `earliestExpiry`, which may be too early.
    case timer(Backlog)
    /// The worker stops: the client's connection closes after this exchange.
    case stop
    /// The owner closes the client's connection, regardless of the state of the exchange.
    case abandoned(isStopping: Bool)
  }
}
