import Wire

extension Exchange {
  /// The state of an exchange, with the data that is valid only in that state.
  ///
  ///     reading → placing → (queued) → (connecting ⇄ paused) → relaying → done
  ///                  ↑_________________________________|  ↘ replying → done
  public enum State: Sendable {
    /// The request head is being read, or awaited.
    case reading
    /// A server is to be chosen now, and a slot requested there.
    case placing
    /// Waiting in a server's queue since this instant.
    case queued(since: Instant)
    /// Connecting since this instant.
    case connecting(since: Instant)
    /// Local resources for a connection were exhausted: the next attempt is at `until`. `since`: as in `connecting`.
    case paused(until: Instant, since: Instant)
    /// A server has the request.
    case relaying(Attempt)
    /// An error page is being sent. The termination is already decided.
    case replying(Termination)
    /// Ended: the owner was given the effects to log it, and to close or to begin the next one.
    case done(Termination)
  }
}
