import Wire

extension Exchange {
  /// Where an exchange stands, with what is true only there.
  ///
  ///     reading → placing → (queued) → (connecting ⇄ paused) → relaying → done
  ///                  ↑_________________________________|  ↘ replying → done
  public enum State: Sendable {
    /// The request's head is read, or waited for.
    case reading
    /// A server is to be chosen now, and a place there asked for.
    case placing
    /// It waits for a place at a server since then.
    case queued(since: Instant)
    /// A connection is being made since then.
    case connecting(since: Instant)
    /// This machine lacked what a connection takes: another try is made then. `since`: as in `connecting`.
    case paused(until: Instant, since: Instant)
    /// A server has the request.
    case relaying(Attempt)
    /// A page of our own goes out. How the exchange will have ended is known.
    case replying(Termination)
    /// It has ended: the owner was told to log it, and to close or to begin another.
    case done(Termination)
  }
}
